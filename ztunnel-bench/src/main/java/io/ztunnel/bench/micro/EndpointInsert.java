package io.ztunnel.bench.micro;

import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.Workload;

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

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/// Upstream's `endpoint_insert` and `xds/insert-remove`: workloads that arrive one by one, each
/// with a picture of its own, or in one push. Time is that of the whole load.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class EndpointInsert {
    @Param({"250", "1000", "4000"})
    int workloads;

    private List<Workload> shared = List.of();
    private List<Workload> distinct = List.of();
    private List<Workload> bare = List.of();
    private MeshSnapshot oneService = MeshSnapshot.empty();
    private MeshSnapshot manyServices = MeshSnapshot.empty();

    @Setup
    public void prepare() {
        NamespacedHostname one = Facts.key("example.com");
        shared = make(i -> List.of(one));
        distinct = make(i -> List.of(Facts.key("svc" + i + ".example.com")));
        bare = make(i -> List.of());
        oneService =
                new MeshDelta(oneService, "")
                        .upsert(Facts.service("example.com", 0x7f000003).build())
                        .apply();
        MeshDelta many = new MeshDelta(manyServices, "");
        for (int i = 0; i < workloads; i++) {
            many.upsert(Facts.service("svc" + i + ".example.com", 0x7f010000 + i).build());
        }
        manyServices = many.apply();
    }

    @Benchmark
    public MeshSnapshot sharedService() {
        return oneByOne(oneService, shared);
    }

    @Benchmark
    public MeshSnapshot distinctService() {
        return oneByOne(manyServices, distinct);
    }

    @Benchmark
    public MeshSnapshot noService() {
        return oneByOne(MeshSnapshot.empty(), bare);
    }

    @Benchmark
    public MeshSnapshot batchedService() {
        MeshDelta delta = new MeshDelta(oneService, "");
        shared.forEach(delta::upsert);
        return delta.apply();
    }

    @Benchmark
    public MeshSnapshot insertRemove() {
        MeshSnapshot mesh = oneByOne(oneService, shared);
        for (Workload workload : shared) {
            mesh = new MeshDelta(mesh, "").removeAddress(workload.uid()).apply();
        }
        return mesh;
    }

    private static MeshSnapshot oneByOne(MeshSnapshot base, List<Workload> arriving) {
        MeshSnapshot mesh = base;
        for (Workload workload : arriving) {
            mesh = new MeshDelta(mesh, "").upsert(workload).apply();
        }
        return mesh;
    }

    private List<Workload> make(IntFunction<List<NamespacedHostname>> services) {
        List<Workload> made = new ArrayList<>();
        for (int i = 0; i < workloads; i++) {
            made.add(Facts.workload(i, services.apply(i)));
        }
        return made;
    }
}
