package io.ztunnel.bench.micro;

import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.ServiceEntry;

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
import java.util.concurrent.TimeUnit;

/// Upstream's `vip_match`: the service at an address, among services with an address or with a
/// range each.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class VipMatch {
    private static final int TEN = 10 << 24;

    @Param({"1", "100", "10000"})
    int services;

    private final IpAddress miss = IpAddress.parse("192.0.2.1");
    private final IpAddress exactHit = IpAddress.parse("10.0.0.0");
    private final IpAddress cidrHit = IpAddress.parse("10.0.0.1");
    private MeshSnapshot exact = MeshSnapshot.empty();
    private MeshSnapshot cidr = MeshSnapshot.empty();

    @Setup
    public void prepare() {
        MeshDelta addresses = new MeshDelta(exact, "");
        MeshDelta ranges = new MeshDelta(cidr, "");
        for (int i = 0; i < services; i++) {
            String hostname = "svc-" + i + ".example.com";
            addresses.upsert(Facts.service(hostname, TEN | i).build());
            Cidr range = new Cidr(IpAddress.v4(TEN | i << 8), 24);
            ranges.upsert(
                    Facts.service(hostname, 0)
                            .vips(List.of())
                            .cidrVips(List.of(new Service.CidrVip("", range)))
                            .build());
        }
        exact = addresses.apply();
        cidr = ranges.apply();
    }

    @Benchmark
    public @Nullable ServiceEntry exactMiss() {
        return exact.serviceByAddress("", miss, null);
    }

    @Benchmark
    public @Nullable ServiceEntry exactHit() {
        return exact.serviceByAddress("", exactHit, null);
    }

    @Benchmark
    public @Nullable ServiceEntry cidrMiss() {
        return cidr.serviceByAddress("", miss, null);
    }

    @Benchmark
    public @Nullable ServiceEntry cidrHit() {
        return cidr.serviceByAddress("", cidrHit, null);
    }
}
