package io.ztunnel.bench;

import java.time.Duration;
import java.util.Map;

/// One KiB there and back on warm connections, one request outstanding on each.
record Requests(String name, int connections, int millis) implements Scenario {
    static final int BYTES = 1_024;
    private static final int SETTLE_MILLIS = 200;

    @Override
    public void measure(Site site, Samples samples) {
        measure(site.pooled(), samples);
    }

    void measure(Lane lane, Samples samples) {
        double before = lane.cpuSeconds();
        Map<String, Double> answer = ask(lane, connections, millis);
        double used = lane.cpuSeconds() - before;
        report(answer, samples);
        if (!lane.proxies().isEmpty()) {
            // The settling time is in the CPU but not in the count.
            double all = answer.getOrDefault("rate", 0.0) * (millis + SETTLE_MILLIS) / 1e3;
            samples.add(Metric.CPU_PER_REQUEST, used * 1e6 / all);
        }
    }

    static Map<String, Double> ask(Lane lane, int connections, int millis) {
        String question =
                "requests %s %d %d %d %d"
                        .formatted(lane.echo().words(), connections, BYTES, SETTLE_MILLIS, millis);
        return lane.load().ask(Duration.ofMillis(millis + 20_000L), question);
    }

    static void report(Map<String, Double> answer, Samples samples) {
        requireClean(answer);
        samples.add(Metric.REQUEST_RATE, answer.getOrDefault("rate", 0.0));
        samples.add(Metric.P50, answer.getOrDefault("p50us", 0.0));
        samples.add(Metric.P99, answer.getOrDefault("p99us", 0.0));
    }

    /// A rate with failures in it is no rate.
    static void requireClean(Map<String, Double> answer) {
        if (answer.getOrDefault("errors", 0.0) > 0 || answer.getOrDefault("count", 0.0) == 0) {
            throw new LabFailure(
                    "%.0f failed, %.0f succeeded"
                            .formatted(
                                    answer.getOrDefault("errors", 0.0),
                                    answer.getOrDefault("count", 0.0)));
        }
    }
}
