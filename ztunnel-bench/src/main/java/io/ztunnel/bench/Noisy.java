package io.ztunnel.bench;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// Request connections of a quiet pod, first alone and then beside a pod of the same node that
/// opens connections without end, sends in bulk, and does not read what it asked for: may one
/// tenant take from another?
record Noisy(int seconds) implements Scenario {
    private static final int CONNECTIONS = 4;
    private static final int FLOOD = 64;
    private static final int BULK_STREAMS = 4;
    /// Few enough that the pod does not close its own tunnel with them: half of its window.
    private static final int UNREAD = 2;
    private static final Duration LEAD = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Override
    public String name() {
        return "noisy";
    }

    @Override
    public boolean appliesTo(Site site) {
        return site.neighbours().isPresent();
    }

    @Override
    public void measure(Site site, Samples samples) {
        Neighbours pods = site.neighbours().orElseThrow();
        Map<String, Double> alone = pods.ask(CONNECTIONS, seconds * 1_000);
        Requests.requireClean(alone);
        Map<String, Double> beside;
        Map<String, Double> flood;
        Iperf bulk;
        Lane noisy = pods.noisy();
        pods.stalling().ask(PATIENCE, "stall %s %d".formatted(noisy.echo().words(), UNREAD));
        CompletableFuture<Map<String, Double>> flooding =
                CompletableFuture.supplyAsync(
                        () -> Connections.ask(noisy, FLOOD, (seconds + 1) * 1_000));
        CompletableFuture<Iperf> sending =
                CompletableFuture.supplyAsync(
                        () -> Iperf.run(noisy, BULK_STREAMS, false, seconds + 1));
        try {
            Lab.settle(LEAD);
            beside = pods.ask(CONNECTIONS, seconds * 1_000);
        } finally {
            // Whatever happened, the noise must not reach into the next measurement.
            flood = flooding.handle((run, problem) -> problem == null ? run : NOTHING).join();
            bulk = sending.handle((run, problem) -> problem == null ? run : SILENCE).join();
            pods.stalling().ask(PATIENCE, "release");
        }
        Requests.requireClean(beside);
        if (flood.getOrDefault("count", 0.0) == 0 || bulk.bytes() == 0) {
            throw new LabFailure("there was no noise");
        }
        samples.add(Metric.ALONE_P50, alone.getOrDefault("p50us", 0.0));
        samples.add(Metric.ALONE_P99, alone.getOrDefault("p99us", 0.0));
        samples.add(Metric.BESIDE_P50, beside.getOrDefault("p50us", 0.0));
        samples.add(Metric.BESIDE_P99, beside.getOrDefault("p99us", 0.0));
        samples.add(Metric.FLOOD_RATE, flood.getOrDefault("rate", 0.0));
        samples.add(Metric.BESIDE_RATE, bulk.bitsPerSecond() / 1e9);
    }

    private static final Map<String, Double> NOTHING = Map.of();
    private static final Iperf SILENCE = new Iperf(0, 0);
}
