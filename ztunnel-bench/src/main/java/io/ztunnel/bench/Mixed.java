package io.ztunnel.bench;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// Sixteen request connections beside one bulk stream in the same direction, between the same pods:
/// does the one who wants everything leave something to the others?
record Mixed(int seconds) implements Scenario {
    private static final int CONNECTIONS = 16;

    /// The bulk stream starts this much earlier and ends later.
    private static final Duration LEAD = Duration.ofMillis(500);

    @Override
    public String name() {
        return "mixed";
    }

    @Override
    public void measure(Site site, Samples samples) {
        Lane lane = site.pooled();
        lane.requireAlive();
        CompletableFuture<Iperf> bulk =
                CompletableFuture.supplyAsync(() -> Iperf.run(lane, 1, false, seconds + 1));
        Map<String, Double> answer;
        Iperf beside;
        try {
            Lab.settle(LEAD);
            answer = Requests.ask(lane, CONNECTIONS, seconds * 1_000);
        } finally {
            // Whatever happened, the stream must not reach into the next measurement.
            beside = bulk.handle((run, problem) -> problem == null ? run : new Iperf(0, 0)).join();
        }
        Requests.report(answer, samples);
        if (beside.bytes() == 0) {
            throw new LabFailure("the bulk stream failed");
        }
        samples.add(Metric.BESIDE_RATE, beside.bitsPerSecond() / 1e9);
    }
}
