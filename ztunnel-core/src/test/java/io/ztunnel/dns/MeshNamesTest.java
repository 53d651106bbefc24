package io.ztunnel.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/// docs/spec/config-observability-dns.md 6.3 to 6.6, without any socket.
class MeshNamesTest {
    private final MeshNames names = new MeshNames(DnsBench.names());

    private static Workload client(MeshSnapshot mesh) {
        return mesh.localWorkload("client", "ns1", "client-sa");
    }

    @Test
    void row54_and55_wildcardsThatANameIsTriedAgainst() {
        assertThat(matchedBy("svc1")).containsExactly("svc1");
        assertThat(matchedBy("svc1.ns1.svc.cluster.local"))
                .containsExactly(
                        "svc1.ns1.svc.cluster.local",
                        "*.ns1.svc.cluster.local",
                        "*.svc.cluster.local",
                        "*.cluster.local",
                        "*.local");
    }

    /// The candidates a name has, the best one first: found by taking each best one away.
    private List<String> matchedBy(String name) {
        List<String> offered =
                new ArrayList<>(
                        List.of(
                                "*",
                                "*.local",
                                "*.cluster.local",
                                "*.svc.cluster.local",
                                "*.ns1.svc.cluster.local",
                                "svc1.ns1.svc.cluster.local",
                                "*.svc1",
                                "svc1"));
        // What "svc1" stands for in Kubernetes is another name, which row 46 is about.
        Aliases none = new Aliases(DnsBench.names());
        assertThat(none.of(name, "ns1").getFirst().name()).isEqualTo(name);
        if (name.equals("svc1")) {
            offered.removeIf(each -> each.contains("cluster") || each.equals("*.local"));
        } else {
            offered.removeIf(each -> each.equals("svc1"));
        }
        List<String> matched = new ArrayList<>();
        for (String best = best(name, offered); best != null; best = best(name, offered)) {
            matched.add(best);
            offered.remove(best);
        }
        return matched;
    }

    private String best(String name, List<String> offered) {
        MeshKit kit = MeshKit.mesh();
        kit.workload("client").in("ns1").network("nw1").at("10.0.0.1").end();
        for (int i = 0; i < offered.size(); i++) {
            FixtureF.service(kit, offered.get(i), "ns1", "10.9.0." + i).end();
        }
        MeshSnapshot mesh = kit.snapshot();
        MeshNames.Known known = names.find(name, false, client(mesh), mesh);
        return known == null
                ? null
                : offered.get(
                        (int)
                                (known.addresses().getFirst().low()
                                        - IpAddress.parse("10.9.0.0").low()));
    }

    @Test
    void unhealthyEndpointsAreNotAnsweredUnlessTheServiceSaysSo() {
        MeshKit kit = FixtureF.kit();
        String headless = "sick.ns1.svc.cluster.local";
        kit.workload("ill")
                .in("ns1")
                .network("nw1")
                .at("30.0.0.1")
                .unhealthy()
                .backs(headless)
                .end();
        kit.service(headless).in("ns1").end();
        MeshSnapshot mesh = kit.snapshot();
        assertThat(names.find("sick", false, client(mesh), mesh).addresses()).isEmpty();

        kit.service(headless).in("ns1").publishesNotReady().end();
        mesh = kit.snapshot();
        assertThat(names.find("sick", false, client(mesh), mesh).addresses())
                .containsExactly(IpAddress.parse("30.0.0.1"));
    }

    @Test
    void theRootIsNoNameOfTheMesh() {
        MeshSnapshot mesh = FixtureF.mesh();
        assertThat(names.find("", false, client(mesh), mesh)).isNull();
    }

    /// What is allocated does not depend on the size of the mesh.
    @Test
    void theCostDoesNotGrowWithTheMesh() {
        long small = allocated(mesh(10));
        long large = allocated(mesh(20_000));
        assertThat(large).isLessThan(small + small / 10 + 512);
    }

    private static MeshSnapshot mesh(int services) {
        MeshKit kit = FixtureF.kit();
        for (int i = 0; i < services; i++) {
            FixtureF.service(
                            kit,
                            "s" + i + ".ns2.svc.cluster.local",
                            "ns2",
                            "10.20." + (i >> 8) + "." + (i & 255))
                    .end();
        }
        return kit.snapshot();
    }

    private long allocated(MeshSnapshot mesh) {
        Workload client = client(mesh);
        com.sun.management.ThreadMXBean threads =
                (com.sun.management.ThreadMXBean)
                        java.lang.management.ManagementFactory.getThreadMXBean();
        int rounds = 2_000;
        for (int i = 0; i < rounds; i++) {
            names.find("a.b.unknown.example.com", false, client, mesh);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < rounds; i++) {
            names.find("a.b.unknown.example.com", false, client, mesh);
        }
        return (threads.getCurrentThreadAllocatedBytes() - before) / rounds;
    }
}
