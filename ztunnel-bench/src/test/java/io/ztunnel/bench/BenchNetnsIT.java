package io.ztunnel.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.Map;

/// A whole small run without a proxy, as root.
@Tag("netns")
@Timeout(120)
class BenchNetnsIT {
    @Test
    void aRunMeasuresAndLeavesNothingBehind() {
        BenchOptions options =
                BenchOptions.parse(
                        List.of("--quick", "--only", "bulk-1-up,requests-16,connections"),
                        Map.of());
        Variant direct = new Variant(Variant.DIRECT, Variant.Kind.DIRECT, List.of());

        Results results = new BenchRun(options, List.of(direct)).run();

        assertThat(results.failures()).isEmpty();
        assertThat(results.lines())
                .extracting(Results.Line::scenario)
                .contains("bulk-1-up", "requests-16", "connections");
        String own = "ztb-" + ProcessHandle.current().pid() + "-";
        assertThat(Command.run("ip", "netns", "list")).doesNotContain(own);
    }
}
