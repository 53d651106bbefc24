package io.ztunnel.bench.micro;

import io.ztunnel.mesh.Avoided;
import io.ztunnel.mesh.Endpoints;
import io.ztunnel.mesh.Endpoints.Purpose;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.Experience;
import io.ztunnel.route.OutboundRequest;
import io.ztunnel.route.OutboundRoute;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.route.RouteSettings;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/// Upstream's `load_balance`: from the address of a service to one of its endpoints. Ours is the
/// whole decision, waypoints and gateways included.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LoadBalance {
    private static final int SERVICE = 0x7f000003;

    @Param({"10", "1000", "10000"})
    int endpoints;

    /// Without and with preferences for what is near.
    @Param({"basic", "locality"})
    String kind = "basic";

    private final OutboundRouter router = new OutboundRouter(RouteSettings.defaults());
    private final SplittableRandom dice = new SplittableRandom(1);
    private final Experience careful =
            new Experience(
                    Avoided.NOBODY,
                    (workload, _) -> (workload.uid().hashCode() & 0xff) < 26,
                    Set.of());
    private MeshSnapshot mesh = MeshSnapshot.empty();
    private Service service = Facts.service("example.com", SERVICE).build();
    private Endpoints backends = mesh.endpointsOf(service);
    private OutboundRequest request =
            new OutboundRequest(
                    Facts.workload(0, List.of()), IpAddress.v4(0), IpAddress.v4(SERVICE), 80);

    @Setup
    public void prepare() {
        MeshDelta delta = new MeshDelta(MeshSnapshot.empty(), "");
        service =
                Facts.service("example.com", SERVICE)
                        .loadBalancer(kind.equals("locality") ? nearest() : null)
                        .build();
        delta.upsert(service);
        for (int i = 0; i < endpoints; i++) {
            delta.upsert(Facts.workload(i, List.of(Facts.key("example.com"))));
        }
        mesh = delta.apply();
        backends = mesh.endpointsOf(service);
        Workload source = mesh.workloads().getFirst();
        request =
                new OutboundRequest(
                        source, source.addresses().getFirst(), IpAddress.v4(SERVICE), 80);
        OutboundRoute route = loadBalance();
        if (route instanceof OutboundRoute.Refused) {
            throw new IllegalStateException("nothing is balanced: " + route);
        }
    }

    @Benchmark
    public OutboundRoute loadBalance() {
        return router.route(mesh, request, dice);
    }

    /// The same while one endpoint in ten is avoided, as after a node died.
    @Benchmark
    public OutboundRoute loadBalanceAroundFailures() {
        return router.route(mesh, request, careful, dice);
    }

    /// The choice alone, without the objects that say what was chosen.
    @Benchmark
    public @Nullable Workload draw() {
        return backends.draw(service, request.source(), 80, Purpose.STANDARD, dice);
    }

    private static LoadBalancer nearest() {
        return new LoadBalancer(
                List.of(
                        LoadBalancer.Scope.NETWORK,
                        LoadBalancer.Scope.REGION,
                        LoadBalancer.Scope.ZONE,
                        LoadBalancer.Scope.SUBZONE),
                LoadBalancer.Mode.FAILOVER,
                LoadBalancer.HealthPolicy.ONLY_HEALTHY);
    }
}
