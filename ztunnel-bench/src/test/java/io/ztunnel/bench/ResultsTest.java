package io.ztunnel.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class ResultsTest {
    private static final List<Variant> VARIANTS =
            List.of(variant(Variant.DIRECT), variant(Variant.UPSTREAM), variant(Variant.OURS));

    private final Results results = new Results();

    @Test
    void mediansOfOddAndEvenNumbersOfRounds() {
        assertThat(new Results.Series(List.of(9.0, 1.0, 2.0)).median()).isEqualTo(2);
        assertThat(new Results.Series(List.of(4.0, 1.0, 2.0, 9.0)).median()).isEqualTo(3);
    }

    @Test
    void aRatioWantsBothSidesAndSomethingToDivideBy() {
        results.add("mixed", Variant.OURS, Metric.P50, 10);
        results.add("mixed", Variant.UPSTREAM, Metric.P50, 0);
        Results.Line line = results.lines().getFirst();
        assertThat(results.ratio(line, Variant.OURS, Variant.DIRECT)).isEmpty();
        assertThat(results.ratio(line, Variant.OURS, Variant.UPSTREAM)).isEmpty();
    }

    @Test
    void theTableMarksWhatIsBetterByTheKindOfNumber() {
        for (Metric metric : List.of(Metric.REQUEST_RATE, Metric.P99)) {
            results.add("requests-16", Variant.UPSTREAM, metric, 100);
            results.add("requests-16", Variant.OURS, metric, 200);
        }
        results.add("requests-16", Variant.UPSTREAM, Metric.P50, 100);
        results.add("requests-16", Variant.OURS, Metric.P50, 110);
        assertThat(ReportTable.of(results, VARIANTS))
                .contains("| requests-16 | rate | req/s |  | 100 | 200 | 2.00 + |")
                .contains("| requests-16 | p99 | us |  | 100 | 200 | 2.00 - |")
                .contains("| requests-16 | p50 | us |  | 100 | 110 | 1.10 |");
    }

    @Test
    void severalRoundsShowTheirSpread() {
        results.add("bulk-1-up", Variant.DIRECT, Metric.BULK_RATE, 20);
        results.add("bulk-1-up", Variant.DIRECT, Metric.BULK_RATE, 22);
        results.add("bulk-1-up", Variant.DIRECT, Metric.BULK_RATE, 30);
        assertThat(ReportTable.of(results, VARIANTS)).contains("| 22.0 (20.0-30.0) |");
    }

    @Test
    void theFileHoldsSamplesMediansAndRatios(@TempDir Path directory) throws IOException {
        results.add("mixed", Variant.UPSTREAM, Metric.P50, 50);
        results.add("mixed", Variant.OURS, Metric.P50, 25);
        results.failed("start", Variant.OURS, "did not get ready");
        Path file = directory.resolve("bench.json");
        Machine machine = new Machine("2026-01-01", "6.1", "a \"processor\"", 2, "0.1");
        BenchOptions options = BenchOptions.parse(List.of(), Map.of());
        ReportJson.write(file, results, VARIANTS, machine, options);
        assertThat(Files.readString(file).replaceAll("\\s+", ""))
                .contains("\"upstream\":{\"median\":50.0,\"samples\":[50.0]}")
                .contains("\"ours/upstream\":0.5")
                .contains("\"failures\":[\"start,ours:didnotgetready\"]");
    }

    private static Variant variant(String name) {
        return new Variant(name, Variant.Kind.ZTUNNEL, List.of());
    }
}
