package io.ztunnel.bench;

import java.time.Duration;
import java.util.Map;

/// Two proxies from nothing: how soon they work, and what they hold idle, with idle connections and
/// after those are gone. Memory is that of one proxy, the mean of the two.
record StartAndMemory(int connections) implements Scenario {
    private static final int MOST_PARALLEL = 16;
    private static final int HOLD_MILLIS = 30_000;
    private static final Duration SETTLE = Duration.ofSeconds(2);
    private static final Duration RELEASE = Duration.ofSeconds(4);
    private static final double MEGA = 1e6;

    @Override
    public String name() {
        return "start";
    }

    @Override
    public boolean restartsProxies() {
        return true;
    }

    @Override
    public boolean appliesTo(Site site) {
        return !site.pooled().proxies().isEmpty();
    }

    @Override
    public void measure(Site site, Samples samples) {
        Lane lane = site.pooled();
        restart(lane, samples);
        firstBytes(lane, samples);
        // Memory starts from nothing too, not from what the first second left.
        restart(lane, (metric, value) -> {});
        memory(lane, samples);
    }

    private static void restart(Lane lane, Samples samples) {
        lane.proxies().forEach(Proxy::stop);
        double total = 0;
        for (Proxy proxy : lane.proxies().reversed()) {
            total += proxy.start();
        }
        samples.add(Metric.READY, total / lane.proxies().size());
    }

    private static void firstBytes(Lane lane, Samples samples) {
        String probe = "probe " + lane.echo().words() + " 10000";
        Duration limit = Duration.ofSeconds(25);
        samples.add(Metric.FIRST_BYTE, lane.load().ask(limit, probe).getOrDefault("us", 0.0) / 1e3);
        samples.add(
                Metric.SECOND_CONNECTION,
                lane.load().ask(limit, probe).getOrDefault("us", 0.0) / 1e3);
        Map<String, Double> answer = Connections.ask(lane, MOST_PARALLEL, 1_000);
        Requests.requireClean(answer);
        samples.add(Metric.FIRST_SECOND, answer.getOrDefault("rate", 0.0));
    }

    private void memory(Lane lane, Samples samples) {
        Lab.settle(SETTLE);
        double idle = lane.residentBytes();
        samples.add(Metric.MEMORY_IDLE, idle / MEGA);
        String hold = "hold %s %d %d".formatted(lane.echo().words(), connections, HOLD_MILLIS);
        Map<String, Double> answer =
                lane.load().ask(Duration.ofMillis(HOLD_MILLIS + 10_000L), hold);
        try {
            Requests.requireClean(answer);
            if (answer.getOrDefault("count", 0.0) < connections) {
                throw new LabFailure("only %.0f are open".formatted(answer.get("count")));
            }
            Lab.settle(SETTLE);
            double held = lane.residentBytes();
            samples.add(Metric.MEMORY_HELD, held / MEGA);
            samples.add(Metric.MEMORY_PER_CONNECTION, (held - idle) / connections / 1e3);
        } finally {
            lane.load().ask(Duration.ofSeconds(20), "release");
        }
        Lab.settle(RELEASE);
        samples.add(Metric.MEMORY_RELEASED, lane.residentBytes() / MEGA);
    }
}
