package io.ztunnel.bench;

import java.time.Duration;
import java.util.Map;

/// New connections, each with one byte there and back, some at a time.
record Connections(String name, int parallel, int millis) implements Scenario {
    @Override
    public void measure(Site site, Samples samples) {
        measure(site.pooled(), parallel, millis, samples);
    }

    static void measure(Lane lane, int parallel, int millis, Samples samples) {
        double before = lane.cpuSeconds();
        long dialsBefore = ProcFs.connectionsBegun(lane.load().process());
        Map<String, Double> answer = ask(lane, parallel, millis);
        long dials = ProcFs.connectionsBegun(lane.load().process()) - dialsBefore;
        double used = lane.cpuSeconds() - before;
        Requests.requireClean(answer);
        double count = answer.getOrDefault("count", 1.0);
        samples.add(Metric.CONNECTION_RATE, answer.getOrDefault("rate", 0.0));
        samples.add(Metric.P50, answer.getOrDefault("p50us", 0.0));
        samples.add(Metric.P99, answer.getOrDefault("p99us", 0.0));
        if (!lane.proxies().isEmpty()) {
            samples.add(Metric.CPU_PER_CONNECTION, used * 1e6 / count);
            // One is the application's own; what is above it went to the other pod.
            samples.add(Metric.DIALS_PER_CONNECTION, dials / count - 1);
        }
    }

    static Map<String, Double> ask(Lane lane, int parallel, int millis) {
        String question = "connects %s %d %d".formatted(lane.echo().words(), parallel, millis);
        return lane.load().ask(Duration.ofMillis(millis + 20_000L), question);
    }
}
