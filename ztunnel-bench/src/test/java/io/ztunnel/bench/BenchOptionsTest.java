package io.ztunnel.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

class BenchOptionsTest {
    @Test
    void defaults() {
        BenchOptions options = parse();
        assertThat(options.rounds()).isEqualTo(3);
        assertThat(options.seconds()).isEqualTo(2);
        assertThat(options.idleConnections()).isEqualTo(5_000);
        assertThat(options.ours()).isEqualTo("./ztunnel proxy ztunnel");
        assertThat(options.peer()).isEmpty();
        assertThat(options.json()).isEmpty();
        assertThat(Scenario.all(options)).allMatch(options::wants);
    }

    @Test
    void theLineGoesBeforeQuickAndBeforeTheEnvironment() {
        BenchOptions options =
                BenchOptions.parse(
                        List.of("--seconds", "5", "--quick", "--peer-command", "line"),
                        Map.of("ZTUNNEL_PEER_COMMAND", "environment"));
        assertThat(options.seconds()).isEqualTo(5);
        assertThat(options.rounds()).isEqualTo(1);
        assertThat(options.peer()).contains("line");
    }

    @Test
    void thePeerComesFromTheEnvironmentUnlessItIsBlank() {
        assertThat(BenchOptions.parse(List.of(), Map.of("ZTUNNEL_PEER_COMMAND", "x")).peer())
                .contains("x");
        assertThat(BenchOptions.parse(List.of(), Map.of("ZTUNNEL_PEER_COMMAND", " ")).peer())
                .isEmpty();
    }

    @Test
    void quickNamesScenariosThatExist() {
        BenchOptions options = parse("--quick");
        assertThat(Scenario.all(options)).extracting(Scenario::name).containsAll(options.only());
    }

    @Test
    void wrongWordsAreNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parse("--rounds", "none"))
                .withMessageContaining("--rounds");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parse("--rounds"))
                .withMessageContaining("--rounds");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parse("--fast"))
                .withMessageContaining("--fast");
    }

    private static BenchOptions parse(String... words) {
        return BenchOptions.parse(List.of(words), Map.of());
    }
}
