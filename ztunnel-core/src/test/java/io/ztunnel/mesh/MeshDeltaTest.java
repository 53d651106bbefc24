package io.ztunnel.mesh;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/// docs/spec/control-plane.md 4.2 to 4.5 and docs/spec/dataplane.md rows 55, 58 and 59.
class MeshDeltaTest {
    private static final NamespacedHostname SVC = new NamespacedHostname("ns", "svc");

    private static Workload backend(String name, int target) {
        return mesh().workload(name).at("10.0.0.1").backs("svc", 80, target).build();
    }

    private static Service service(String... vips) {
        MeshKit.ServiceWords words = mesh().service("svc");
        for (String vip : vips) {
            words.vip(vip);
        }
        return words.build();
    }

    private static List<String> endpoints(MeshSnapshot mesh) {
        List<String> all = new ArrayList<>();
        ServiceEntry service = mesh.service(SVC);
        if (service != null) {
            service.endpoints()
                    .forEach(one -> all.add(one.workloadUid() + one.ports() + one.healthy()));
        }
        Collections.sort(all);
        return all;
    }

    @Test
    void endpointsWaitForTheirService() {
        MeshSnapshot first =
                new MeshDelta(MeshSnapshot.empty(), "").upsert(backend("a", 8080)).apply();
        MeshSnapshot second = new MeshDelta(first, "").upsert(service("10.1.0.1")).apply();

        assertThat(first.stagedServiceCount()).isEqualTo(1);
        assertThat(first.serviceCount()).isZero();
        assertThat(second.stagedServiceCount()).isZero();
        assertThat(endpoints(second)).containsExactly("Kubernetes//Pod/ns/a{80=8080}true");
        assertThat(second.serviceByAddress("", ip("10.1.0.1"), "ns")).isNotNull();
    }

    @Test
    void addressesComeAndGoWhileEndpointsStay() {
        MeshSnapshot one =
                new MeshDelta(MeshSnapshot.empty(), "")
                        .upsert(backend("a", 8080))
                        .upsert(service("10.1.0.1"))
                        .apply();
        MeshSnapshot two = new MeshDelta(one, "").upsert(service("10.1.0.1", "10.1.0.2")).apply();
        MeshSnapshot less = new MeshDelta(two, "").upsert(service("10.1.0.2")).apply();

        assertThat(endpoints(less)).hasSize(1);
        assertThat(two.serviceByAddress("", ip("10.1.0.2"), "ns")).isNotNull();
        assertThat(less.serviceByAddress("", ip("10.1.0.1"), "ns")).isNull();
        assertThat(less.serviceByAddress("", ip("10.1.0.2"), "ns")).isNotNull();
    }

    @Test
    void stagedEndpointsGoWithTheirWorkload() {
        MeshSnapshot staged =
                new MeshDelta(MeshSnapshot.empty(), "").upsert(backend("a", 8080)).apply();
        MeshSnapshot resent =
                new MeshDelta(staged, "")
                        .upsert(mesh().workload("a").at("10.0.0.1").build())
                        .apply();
        MeshSnapshot removed =
                new MeshDelta(staged, "").removeAddress("Kubernetes//Pod/ns/a").apply();

        assertThat(resent.stagedServiceCount()).isZero();
        assertThat(removed.stagedServiceCount()).isZero();
        assertThat(removed.workloadCount()).isZero();
        assertThat(removed.workloadByAddress("", ip("10.0.0.1"))).isNull();
    }

    @Test
    void aNewPortMapReplacesTheOldOne() {
        MeshSnapshot mesh =
                new MeshDelta(MeshSnapshot.empty(), "")
                        .upsert(service())
                        .upsert(backend("a", 8080))
                        .apply();
        MeshSnapshot later = new MeshDelta(mesh, "").upsert(backend("a", 9090)).apply();

        assertThat(endpoints(later)).containsExactly("Kubernetes//Pod/ns/a{80=9090}true");
    }

    @Test
    void aServiceThatComesBackHasItsEndpoints() {
        MeshSnapshot mesh =
                new MeshDelta(MeshSnapshot.empty(), "")
                        .upsert(service("10.1.0.1"))
                        .upsert(backend("a", 8080))
                        .apply();
        MeshSnapshot without = new MeshDelta(mesh, "").removeAddress("ns/svc").apply();
        MeshSnapshot again = new MeshDelta(without, "").upsert(service("10.1.0.1")).apply();

        assertThat(without.serviceByAddress("", ip("10.1.0.1"), "ns")).isNull();
        assertThat(without.serviceByHostname("svc", "ns")).isNull();
        assertThat(endpoints(again)).hasSize(1);
    }

    @Test
    void unknownNamesChangeNothing() {
        MeshSnapshot mesh =
                new MeshDelta(MeshSnapshot.empty(), "").upsert(backend("a", 8080)).apply();
        MeshDelta delta =
                new MeshDelta(mesh, "")
                        .removeAddress("nobody")
                        .removeAddress("a/b")
                        .removeAddress("a/b/c")
                        .removePolicy("x/y");

        assertThat(delta.changes()).isEqualTo(Changes.NONE);
        assertThat(delta.apply().workloadCount()).isEqualTo(1);
    }

    @Test
    void theOrderWithinABatchDoesNotMatter() {
        Random random = new Random(9);
        Set<String> seen = new TreeSet<>();
        for (int round = 0; round < 30; round++) {
            List<Object> batch = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                batch.add(backend("w" + i, 8000 + i));
            }
            batch.add(service("10.1.0.1"));
            Collections.shuffle(batch, random);
            MeshDelta delta = new MeshDelta(MeshSnapshot.empty(), "");
            for (Object one : batch) {
                switch (one) {
                    case Workload workload -> delta.upsert(workload);
                    case Service service -> delta.upsert(service);
                    default -> throw new AssertionError(one);
                }
            }
            seen.add(endpoints(delta.apply()).toString());
        }

        assertThat(seen).hasSize(1);
    }

    @Test
    void earlierVersionsStayAsTheyWere() {
        MeshSnapshot first =
                new MeshDelta(MeshSnapshot.empty(), "")
                        .upsert(service("10.1.0.1"))
                        .upsert(backend("a", 1))
                        .apply();
        new MeshDelta(first, "").clearAddresses().apply();

        assertThat(endpoints(first)).hasSize(1);
        assertThat(first.workloadCount()).isEqualTo(1);
        assertThat(new MeshDelta(first, "").clearAddresses().apply().serviceCount()).isZero();
    }

    @Test
    void row59_podsAreBeforeOthersThatShareTheirAddress() {
        Workload entry =
                mesh().workload("entry").uid("cluster/WorkloadEntry/ns/e").at("10.0.0.1").build();
        Workload pod = mesh().workload("pod").at("10.0.0.1").build();
        Workload hbonePod = mesh().workload("hbone").at("10.0.0.1").hbone().build();
        MeshSnapshot all =
                new MeshDelta(MeshSnapshot.empty(), "")
                        .upsert(hbonePod)
                        .upsert(pod)
                        .upsert(entry)
                        .apply();
        MeshSnapshot two = new MeshDelta(all, "").removeAddress(hbonePod.uid()).apply();
        MeshSnapshot one = new MeshDelta(two, "").removeAddress(pod.uid()).apply();

        assertThat(all.workloadByAddress("", ip("10.0.0.1"))).isEqualTo(hbonePod);
        assertThat(two.workloadByAddress("", ip("10.0.0.1"))).isEqualTo(pod);
        assertThat(one.workloadByAddress("", ip("10.0.0.1"))).isEqualTo(entry);
    }

    @Test
    void row55_row57_localWorkloadsAreThoseOfTheNode() {
        MeshDelta delta =
                new MeshDelta(MeshSnapshot.empty(), "node-a")
                        .upsert(mesh().workload("here").as("sa").on("node-a").build())
                        .upsert(mesh().workload("too").as("sa").on("node-a").build())
                        .upsert(mesh().workload("there").as("sa").on("node-b").build());
        MeshSnapshot mesh = delta.apply();

        assertThat(mesh.localWorkload("here", "ns", "sa").name()).isEqualTo("here");
        assertThat(mesh.localWorkload("there", "ns", "sa")).isNull();
        assertThat(mesh.localWorkload("here", "ns", "other")).isNull();
        assertThat(delta.changes().localWorkloads()).hasSize(2);
        assertThat(delta.changes().identitiesGained())
                .containsExactly(new SpiffeId("cluster.local", "ns", "sa"));
    }

    @Test
    void row58_lookupsByAddressAndHostname() {
        MeshSnapshot mesh =
                mesh().workload("w")
                        .at("10.0.0.1")
                        .named("w.example.com")
                        .service("svc")
                        .vip("10.1.0.1")
                        .snapshot();

        assertThat(mesh.workloadByAddress("", ip("10.0.0.1")).name()).isEqualTo("w");
        assertThat(mesh.workloadByAddress("", ip("10.0.0.2"))).isNull();
        assertThat(mesh.service(SVC)).isNotNull();
        assertThat(mesh.service(new NamespacedHostname("ns", "x"))).isNull();
        assertThat(mesh.workloadByHostname(new NamespacedHostname("ns", "w.example.com")))
                .isNotNull();
    }

    @Test
    void changesNameWhatLiveConnectionsDependOn() {
        Workload before = mesh().workload("w").as("old").on("n").build();
        MeshSnapshot mesh = new MeshDelta(MeshSnapshot.empty(), "n").upsert(before).apply();

        Changes same = new MeshDelta(mesh, "n").upsert(before).changes();
        Changes attached =
                new MeshDelta(mesh, "n")
                        .upsert(mesh().workload("w").as("old").on("n").lists("ns/p").build())
                        .changes();
        Changes renamed =
                new MeshDelta(mesh, "n")
                        .upsert(mesh().workload("w").as("new").on("n").build())
                        .changes();

        assertThat(same).isEqualTo(Changes.NONE);
        assertThat(attached.reattached()).containsExactly(before.uid());
        assertThat(attached.affectsPolicy()).isTrue();
        assertThat(renamed.affectsPolicy()).isFalse();
        assertThat(renamed.identitiesLost())
                .containsExactly(new SpiffeId("cluster.local", "ns", "old"));
        assertThat(renamed.identitiesGained())
                .containsExactly(new SpiffeId("cluster.local", "ns", "new"));
        assertThat(renamed.and(attached).reattached()).containsExactly(before.uid());
    }

    @Test
    void dumpsAreSorted() {
        MeshSnapshot mesh = mesh().workload("b").workload("a").service("z").service("y").snapshot();

        assertThat(mesh.workloads()).extracting(Workload::name).containsExactly("a", "b");
        assertThat(mesh.services())
                .extracting(one -> one.service().hostname())
                .containsExactly("y", "z");
    }
}
