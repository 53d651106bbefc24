package io.ztunnel.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.testkit.PolicyText;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The rows A1 to A92 of docs/spec/control-plane.md 5.9, read from that very table, each judged as
/// the sole ALLOW and as the sole DENY policy.
class VerdictTableTest {
    private static final Path SPEC = Path.of("../docs/spec/control-plane.md");
    private static final Pattern ROW =
            Pattern.compile(
                    "\\| (A\\d+) \\| (.*?) \\| (.*?) \\| (yes|no) \\| (allow|deny) \\| (allow|deny)"
                            + " \\|.*");
    private static final Workload DESTINATION =
            Workload.builder().uid("w").namespace("dest").build();

    private record Row(
            String id, String rules, String connection, boolean ifAllow, boolean ifDeny) {}

    private static List<Row> rows() throws IOException {
        try (Stream<String> lines = Files.lines(SPEC)) {
            return lines.map(ROW::matcher)
                    .filter(Matcher::matches)
                    .map(
                            row ->
                                    new Row(
                                            row.group(1),
                                            row.group(2),
                                            row.group(3),
                                            row.group(5).equals("allow"),
                                            row.group(6).equals("allow")))
                    .toList();
        }
    }

    @Test
    void theTableHasAllItsRows() throws IOException {
        assertThat(rows()).hasSize(92);
    }

    @TestFactory
    Stream<DynamicTest> rowsA() throws IOException {
        return rows().stream()
                .map(
                        row ->
                                DynamicTest.dynamicTest(
                                        row.id + " " + row.rules + " : " + row.connection,
                                        () -> verdictsOf(row)));
    }

    private static void verdictsOf(Row row) {
        ConnectionFacts facts = facts(row.connection);

        PolicyVerdict allow = judge(PolicyText.allow("x/p", Scope.GLOBAL, row.rules), facts);
        PolicyVerdict deny = judge(PolicyText.deny("x/p", Scope.GLOBAL, row.rules), facts);

        assertThat(allow.allows()).as("as the sole ALLOW").isEqualTo(row.ifAllow);
        assertThat(allow.text())
                .isEqualTo(
                        row.ifAllow
                                ? "allow policy match"
                                : "allow policies exist, but none allowed");
        assertThat(deny.allows()).as("as the sole DENY").isEqualTo(row.ifDeny);
        assertThat(deny.text())
                .isEqualTo(row.ifDeny ? "no allow policies, allow" : "explicitly denied by: x/p");
    }

    private static PolicyVerdict judge(AuthorizationPolicy policy, ConnectionFacts facts) {
        MeshSnapshot mesh =
                new MeshDelta(MeshSnapshot.empty(), "").upsert(policy.key(), policy).apply();
        return new PolicyJudge().judge(CompiledPolicies.compile(mesh), DESTINATION, facts);
    }

    private static ConnectionFacts facts(String text) {
        SpiffeId identity =
                switch (text.charAt(0)) {
                    case 'T' -> new SpiffeId("td", "namespace", "account");
                    case 'A' -> new SpiffeId("td-alt", "ns-alt", "sa=alt");
                    default -> null;
                };
        boolean other = text.charAt(0) == 'A';
        String source = other ? "127.0.0.3" : "127.0.0.1";
        int port = other ? 9090 : 8080;
        for (String part : text.substring(1).split(", ")) {
            if (part.startsWith("ns=")) {
                identity = new SpiffeId("td", part.substring(3), "account");
            } else if (part.startsWith("port ")) {
                port = Integer.parseInt(part.substring(5));
            } else if (part.startsWith(" with src ")) {
                source = part.substring(10);
            } else if (part.startsWith(" as ")) {
                identity = SpiffeId.parse("spiffe://" + part.substring(4));
            } else if (part.startsWith(" but trust domain")) {
                identity = new SpiffeId("other", "namespace", "account");
            } else {
                assertThat(part)
                        .isIn("", "destination network \"remote\"", " (ns is the empty string)");
            }
        }
        return new ConnectionFacts(
                identity,
                IpAddress.parse(source),
                IpAddress.parse(other ? "127.0.0.4" : "127.0.0.2"),
                port);
    }
}
