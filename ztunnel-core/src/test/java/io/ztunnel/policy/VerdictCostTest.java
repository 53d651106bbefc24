package io.ztunnel.policy;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.testkit.PolicyText;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What a verdict costs among 10 000 policies of 10 rules. Processor times are printed; what
/// is asserted is that a verdict takes no memory.
@Tag("slow")
@Timeout(300)
class VerdictCostTest {
    private static final int POLICIES = 10_000;
    private static final int ROUNDS = 2_000_000;

    private static void measure(String what, IntFunction<String> rule) {
        MeshDelta delta = new MeshDelta(MeshSnapshot.empty(), "");
        for (int i = 0; i < POLICIES; i++) {
            int from = i * 10;
            String rules =
                    IntStream.range(0, 10)
                            .mapToObj(k -> rule.apply(from + k))
                            .collect(Collectors.joining(" / "));
            AuthorizationPolicy policy =
                    PolicyText.policy(
                            "default/p" + i, Scope.GLOBAL, Action.DENY, false, rules);
            delta.upsert(policy.key(), policy);
        }
        MeshSnapshot mesh = delta.apply();
        long compiling = System.nanoTime();
        CompiledPolicies policies = CompiledPolicies.compile(mesh);
        compiling = System.nanoTime() - compiling;
        Workload destination = Workload.builder().uid("w").namespace("default").build();
        PolicyJudge judge = new PolicyJudge();
        for (SpiffeId identity :
                new SpiffeId[] {null, new SpiffeId("cluster.local", "default", "client")}) {
            ConnectionFacts facts =
                    new ConnectionFacts(
                            identity,
                            IpAddress.parse("198.51.100.7"),
                            IpAddress.parse("10.0.0.2"),
                            8080);
            int denied = 0;
            long bytes = 0;
            long start = 0;
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            for (int i = 0; i < 2 * ROUNDS; i++) {
                if (i == ROUNDS) {
                    bytes = threads.getCurrentThreadAllocatedBytes();
                    start = threads.getCurrentThreadCpuTime();
                }
                denied += judge.judge(policies, destination, facts).allows() ? 0 : 1;
            }
            long nanos = threads.getCurrentThreadCpuTime() - start;
            long each = (threads.getCurrentThreadAllocatedBytes() - bytes) / ROUNDS;
            System.out.println(
                    what
                            + (identity == null ? ", plain" : ", mTLS")
                            + ": "
                            + nanos / ROUNDS
                            + " ns, compiled in "
                            + compiling / 1_000_000
                            + " ms");
            assertThat(denied).isZero();
            assertThat(each).isZero();
        }
    }

    @Test
    void aVerdictTakesNoMemory() {
        List.of("principal", "ns")
                .forEach(
                        field ->
                                measure(
                                        "exact " + field,
                                        i -> "{" + field + " =cluster.local/ns/n/sa/a" + i + "}"));
        measure("service account", i -> "{sa ns" + i + "/a}");
        measure(
                "upstream's bench",
                _ ->
                        "{ns prefix:random-prefix-2b123 or suffix:random-postix-2b723 or"
                                + " =random-exac-2bc13; principal prefix:random-prefix-2b123 or"
                                + " suffix:random-postix-2b723 or =random-exac-2bc13; src"
                                + " 198.51.100.0/24; dst 198.51.100.0/24; port 0}");
        measure("source ranges", i -> "{src " + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255) + ".0/24}");
    }
}
