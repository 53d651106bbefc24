package io.ztunnel.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;

/// What a workload weighs: 200 000 pods of 10 000 deployments with names of real lengths, each
/// behind one service.
@Tag("slow")
class MeshFootprintTest {
    private static final int WORKLOADS = 200_000;
    private static final int SERVICES = 10_000;

    @Test
    @Timeout(300)
    void aWorkloadWeighsAtMost450Bytes() {
        long before = used();
        MeshSnapshot mesh = filled();
        long bytes = (used() - before) / WORKLOADS;

        System.out.println("heap per workload: " + bytes + " bytes");
        assertThat(mesh.workloadCount()).isEqualTo(WORKLOADS);
        assertThat(bytes).isLessThanOrEqualTo(450);
    }

    private static MeshSnapshot filled() {
        MeshSnapshot mesh = MeshSnapshot.empty();
        for (int batch = 0; batch < WORKLOADS; batch += 50_000) {
            MeshDelta delta = new MeshDelta(mesh, "node-17");
            for (int i = batch; i < batch + 50_000; i++) {
                delta.upsert(workload(i));
            }
            mesh = delta.apply();
        }
        MeshDelta delta = new MeshDelta(mesh, "node-17");
        for (int i = 0; i < SERVICES; i++) {
            delta.upsert(
                    Service.builder()
                            .name("checkout-" + i)
                            .namespace(namespace(i))
                            .hostname(hostname(i))
                            .vips(
                                    List.of(
                                            new NetworkAddress(
                                                    new String("network"),
                                                    IpAddress.v4(0x0a60_0000 + i))))
                            .ports(PortMap.of(Map.of(80, 8080)))
                            .build());
        }
        return delta.apply();
    }

    /// Every text is a new object, as it is when it comes from the wire.
    private static Workload workload(int i) {
        int service = i % SERVICES;
        String name = "checkout-" + service + "-7d9f8b6c5d-" + Integer.toString(i + 60_000_000, 36);
        return Workload.builder()
                .uid("Kubernetes//Pod/" + namespace(service) + "/" + name)
                .name(name)
                .namespace(namespace(service))
                .addresses(List.of(IpAddress.v4(0x0a80_0000 + i)))
                .network(new String("network"))
                .protocol(Protocol.HBONE)
                .trustDomain(new String("cluster.local"))
                .serviceAccount("checkout-" + service)
                .node("node-" + i % 2_000)
                .canonicalName("checkout-" + service)
                .canonicalRevision(new String("latest"))
                .workloadType(new String("deployment"))
                .workloadName("checkout-" + service)
                .services(
                        Map.of(
                                new NamespacedHostname(namespace(service), hostname(service)),
                                PortMap.of(Map.of(80, 8080))))
                .clusterId(new String("Kubernetes"))
                .locality(new Locality("europe-west" + i % 2, "europe-west-" + i % 6, ""))
                .build();
    }

    private static String namespace(int service) {
        return "team-" + service % 300;
    }

    private static String hostname(int service) {
        return "checkout-" + service + "." + namespace(service) + ".svc.cluster.local";
    }

    private static long used() {
        for (int i = 0; i < 4; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
