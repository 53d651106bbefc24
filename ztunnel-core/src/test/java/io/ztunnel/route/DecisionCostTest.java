package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.ip;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;
import com.sun.management.ThreadMXBean;

import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/// What a route costs. Processor times are printed for the reader; what is asserted is the memory a decision
/// takes, which does not depend on the machine or on the size of the mesh.
@Tag("slow")
@Timeout(300)
class DecisionCostTest {
    private static final int ROUNDS = 2_000_000;

    private static MeshSnapshot endpoints(int count, Mode mode, Scope... scopes) {
        MeshKit kit = MeshKit.mesh();
        kit.workload("client").at("10.255.0.1").locality("r0", "z0").on("node0").end();
        for (int i = 0; i < count; i++) {
            kit.workload("w" + i)
                    .at("10.0." + (i >> 8) + "." + (i & 255))
                    .hbone()
                    .locality("r" + i % 3, "z" + i % 9)
                    .on("node" + i % 100)
                    .backs("svc", 80, 8080)
                    .end();
        }
        return kit.service("svc").vip("10.96.0.1").balanced(mode, scopes).snapshot();
    }

    private static MeshSnapshot services(int count) {
        MeshKit kit = MeshKit.mesh();
        kit.workload("client").at("10.255.0.1").end();
        kit.workload("w").at("10.0.0.1").backs("exact77", 80, 8080).backs("range77", 80, 8080).end();
        for (int i = 0; i < count; i++) {
            kit.service("exact" + i).vip("10.96." + (i >> 8) + "." + (i & 255)).end();
            kit.service("range" + i).range("", "172." + (i >> 8) + "." + (i & 255) + ".0/24").end();
        }
        return kit.snapshot();
    }

    private static long perRoute(String what, MeshSnapshot mesh, String target) {
        OutboundRouter router = new OutboundRouter(RouteSettings.defaults());
        Workload client = mesh.workloadByUid("Kubernetes//Pod/ns/client");
        OutboundRequest request = new OutboundRequest(client, ip("10.255.0.1"), ip(target), 80);
        SplittableRandom dice = new SplittableRandom(1);
        return measured(what, _ -> router.route(mesh, request, dice));
    }

    private static long measured(String what, IntFunction<Object> decision) {
        int sum = 0;
        for (int i = 0; i < ROUNDS; i++) {
            sum += decision.apply(i) == null ? 1 : 0;
        }
        ThreadMXBean threads =
                (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = threads.getCurrentThreadAllocatedBytes();
        long start = threads.getCurrentThreadCpuTime();
        for (int i = 0; i < ROUNDS; i++) {
            sum += decision.apply(i) == null ? 1 : 0;
        }
        long nanos = threads.getCurrentThreadCpuTime() - start;
        long each = (threads.getCurrentThreadAllocatedBytes() - bytes) / ROUNDS;
        System.out.println(what + ": " + nanos / ROUNDS + " ns, " + each + " bytes");
        assertThat(sum).isZero();
        return each;
    }

    @Test
    void aRouteTakesTheSameMemoryWhateverTheNumberOfEndpoints() {
        for (int count : new int[] {10, 1_000, 10_000}) {
            assertThat(perRoute(count + " endpoints", endpoints(count, Mode.STANDARD), "10.96.0.1"))
                    .isLessThan(250);
            MeshSnapshot near =
                    endpoints(
                            count,
                            Mode.FAILOVER,
                            Scope.NETWORK,
                            Scope.REGION,
                            Scope.ZONE,
                            Scope.SUBZONE,
                            Scope.NODE);
            assertThat(perRoute(count + " endpoints by locality", near, "10.96.0.1"))
                    .isLessThan(250);
        }
    }

    @Test
    void aRouteTakesTheSameMemoryWhateverTheNumberOfServices() {
        MeshSnapshot mesh = services(10_000);

        assertThat(perRoute("exact address of 10000", mesh, "10.96.0.77")).isLessThan(250);
        assertThat(perRoute("range of 10000", mesh, "172.0.77.9")).isLessThan(250);
        assertThat(perRoute("no address of 10000", mesh, "192.0.2.1")).isLessThan(250);
    }

    @Test
    void aDeltaOfOneEndpointIsSmallWhateverTheServiceHolds() {
        MeshSnapshot mesh = endpoints(10_000, Mode.STANDARD);
        Workload one = mesh.workloadByUid("Kubernetes//Pod/ns/w77");
        Workload other =
                MeshKit.mesh()
                        .workload("w77")
                        .at("10.200.0.1")
                        .hbone()
                        .backs("svc", 80, 8080)
                        .build();

        long each =
                measured(
                        "one endpoint of 10000",
                        i ->
                                new MeshDelta(mesh, "x")
                                        .upsert(i % 2 == 0 ? other : one)
                                        .apply());

        assertThat(each).isLessThan(20_000);
    }
}
