package io.ztunnel.inbound;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ztunnel.observe.LogFilter;
import io.ztunnel.observe.LogFormat;
import io.ztunnel.observe.LogWriter;
import io.ztunnel.observe.Logging;
import io.ztunnel.policy.PolicyVerdict;
import io.ztunnel.policy.PolicyVerdict.DryRun;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.List;

/// What operators read about verdicts, as the process writes it
/// (docs/spec/config-observability-dns.md 5.7).
@Timeout(20)
class PolicyLogTest {
    private static final PolicyVerdict ALLOWED =
            new PolicyVerdict.Allowed("ns/let-in", DryRun.NONE, List.of());
    private static final PolicyVerdict DENIED =
            new PolicyVerdict.DeniedBy(
                    "ns/keep-out", new DryRun(List.of("ns/maybe"), List.of(), false), List.of());
    private static final PolicyVerdict UNMATCHED =
            new PolicyVerdict.NotAllowed(
                    new DryRun(List.of(), List.of(), true), List.of("ns/absent"));

    private static List<String> said(
            String filter, LogFormat format, boolean atInfo, PolicyVerdict... verdicts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (LogWriter writer = new LogWriter(out, format)) {
            Logging unused = Logging.start(writer, format, LogFilter.parse(filter));
            for (PolicyVerdict each : verdicts) {
                PolicyLog.tell(each, atInfo);
            }
        }
        return out.toString(UTF_8)
                .lines()
                .map(
                        line ->
                                format == LogFormat.PLAIN
                                        ? line.substring(line.indexOf('\t') + 1)
                                        : line)
                .toList();
    }

    @AfterEach
    void silence() {
        try (LogWriter nowhere = new LogWriter(OutputStream.nullOutputStream(), LogFormat.PLAIN)) {
            Logging unused = Logging.start(nowhere, LogFormat.PLAIN, LogFilter.parse("info"));
        }
    }

    @Test
    void s5_7_debugAloneShowsEachVerdictWithItsPolicy() {
        assertThat(said("debug", LogFormat.PLAIN, false, ALLOWED, DENIED, UNMATCHED))
                .containsExactly(
                        "debug\tstate\tallow policy match\tpolicy=\"ns/let-in\"",
                        "debug\tstate\tdry-run: deny policy match\tpolicy=\"ns/maybe\"",
                        "debug\tstate\tdeny policy match\tpolicy=\"ns/keep-out\"",
                        "warn\tstate\tskipping unknown policy ns/absent\t",
                        "debug\tstate\tdry-run: no allow policies match\t",
                        "debug\tstate\tno allow policies matched\t");
    }

    @Test
    void s5_7_infoIsSilentUnlessVerdictsAreWantedThere() {
        assertThat(said("info", LogFormat.PLAIN, false, ALLOWED, DENIED)).isEmpty();
        assertThat(said("info", LogFormat.PLAIN, true, ALLOWED))
                .containsExactly("info\tstate\tallow policy match\tpolicy=\"ns/let-in\"");
        assertThat(said("debug,ztunnel::state=off", LogFormat.PLAIN, false, ALLOWED)).isEmpty();
        assertThat(said("warn,ztunnel::state=debug", LogFormat.PLAIN, false, ALLOWED)).hasSize(1);
    }

    @Test
    void s5_7_thePolicyIsAFieldOfItsOwn() {
        assertThat(said("debug", LogFormat.JSON, false, DENIED).getLast())
                .contains(
                        "\"scope\":\"ztunnel::state\"",
                        "\"message\":\"deny policy match\"",
                        "\"policy\":\"ns/keep-out\"");
    }
}
