package io.ztunnel.mesh;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.Endpoints.Purpose;
import io.ztunnel.mesh.LoadBalancer.HealthPolicy;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/// docs/spec/dataplane.md 13.2, rows 43 to 54; docs/spec/control-plane.md 4.3 and 4.7.
class EndpointChoiceTest {
    private final RandomGenerator dice = new SplittableRandom(11);

    private static MeshSnapshot world(Mode mode, Scope... scopes) {
        return mesh().workload("match")
                .at("10.0.0.1")
                .network("network")
                .locality("reg", "zone")
                .backs("svc", 80, 80)
                .workload("almost")
                .at("10.0.0.2")
                .network("network")
                .locality("reg", "not-zone")
                .backs("svc", 80, 80)
                .workload("no_locality")
                .at("10.0.0.3")
                .network("network")
                .backs("svc", 80, 80)
                .workload("other")
                .at("10.0.0.4")
                .network("other")
                .reachedThrough("other/10.9.9.9", 15008)
                .locality("reg", "zone")
                .backs("svc", 80, 80)
                .workload("empty_ip")
                .network("network")
                .locality("reg", "zone")
                .backs("svc", 80, 80)
                .service("svc")
                .vip("network", "10.96.0.1")
                .ports(80, 80)
                .balanced(mode, scopes)
                .snapshot();
    }

    private Set<String> drawn(MeshSnapshot mesh, Workload client) {
        ServiceEntry service = mesh.service(new NamespacedHostname("ns", "svc"));
        Set<String> names = new TreeSet<>();
        for (int i = 0; i < 300; i++) {
            Workload one =
                    service.endpoints().draw(service.service(), client, 80, Purpose.STANDARD, dice);
            names.add(one == null ? "-" : one.name());
        }
        return names;
    }

    @ParameterizedTest(name = "{0} from {1}/{2}/{3}: {4}")
    @CsvSource({
        "STRICT, '', '', '', -",
        "STRICT, network, reg, zone, match",
        "STRICT, network, reg, other, -",
        "FAILOVER, no-match, no-match, no-match, other",
        "FAILOVER, network, reg, zone, match",
        "FAILOVER, network, reg, '', almost match",
        "FAILOVER, network, no-match, no-match, almost match no_locality",
        "FAILOVER, other, x, x, other",
        "STANDARD, network, reg, zone, almost match no_locality other"
    })
    void row46_to_row53_ranks(
            Mode mode, String network, String region, String zone, String expected) {
        Workload client =
                Workload.builder()
                        .network(network)
                        .locality(new Locality(region, zone, ""))
                        .build();

        assertThat(drawn(world(mode, Scope.NETWORK, Scope.REGION, Scope.ZONE), client))
                .containsExactlyInAnyOrder(expected.split(" "));
    }

    /// Rows 48 and 52 with gateways everywhere, as endpoints that cannot be reached are left out.
    @ParameterizedTest(name = "FAILOVER from {0}/{1}/{2}: {3}")
    @CsvSource({
        "no-match, no-match, no-match, almost match no_locality other",
        "no-match, reg, zone, match other"
    })
    void row48_row52_networkFirstDoesNotStopTheWalk(
            String network, String region, String zone, String expected) {
        MeshKit kit = mesh();
        for (String name : List.of("match", "almost", "no_locality", "other")) {
            MeshKit.WorkloadWords words =
                    kit.workload(name)
                            .at("10.0.0." + name.length())
                            .network(name.equals("other") ? "other" : "network")
                            .reachedThrough("other/10.9.9.9", 15008)
                            .backs("svc", 80, 80);
            if (!name.equals("no_locality")) {
                words.locality("reg", name.equals("almost") ? "not-zone" : "zone");
            }
            words.end();
        }
        MeshSnapshot mesh =
                kit.service("svc")
                        .ports(80, 80)
                        .balanced(Mode.FAILOVER, Scope.NETWORK, Scope.REGION, Scope.ZONE)
                        .snapshot();
        Workload client =
                Workload.builder()
                        .network(network)
                        .locality(new Locality(region, zone, ""))
                        .build();

        assertThat(drawn(mesh, client)).containsExactlyInAnyOrder(expected.split(" "));
    }

    @Test
    void row54_removedWorkloadsAreSkipped() {
        MeshSnapshot mesh = world(Mode.STANDARD);
        MeshSnapshot later =
                new MeshDelta(mesh, "").removeAddress("Kubernetes//Pod/ns/match").apply();
        Workload client = Workload.builder().network("network").build();

        assertThat(drawn(later, client)).containsExactly("almost", "no_locality", "other");
        assertThat(drawn(mesh, client)).contains("match");
    }

    @Test
    void row43_row44_targetPortsAreThoseOfTheEndpointFirst() {
        MeshSnapshot mesh =
                mesh().workload("own")
                        .at("10.0.0.1")
                        .backs("svc", 80, 9090)
                        .service("svc")
                        .ports(80, 0)
                        .snapshot();
        ServiceEntry service = mesh.service(new NamespacedHostname("ns", "svc"));
        Workload own = mesh.workloadByUid("Kubernetes//Pod/ns/own");

        assertThat(service.portsOf(own).targetOf(80)).isEqualTo(9090);
        assertThat(service.portsOf(Workload.builder().build())).isEqualTo(PortMap.EMPTY);
    }

    @Test
    void capacityIsTheWeightAndZeroIsNeverDrawn() {
        MeshKit kit = mesh();
        Map<String, Integer> capacities = Map.of("a", 1, "b", 0, "c", 3, "d", 6);
        capacities.forEach(
                (name, capacity) ->
                        kit.workload(name)
                                .at("10.0.0." + (int) name.charAt(0))
                                .capacity(capacity)
                                .backs("svc", 80, 80)
                                .end());
        MeshSnapshot mesh = kit.service("svc").ports(80, 80).snapshot();
        ServiceEntry service = mesh.service(new NamespacedHostname("ns", "svc"));
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            Workload one =
                    service.endpoints()
                            .draw(
                                    service.service(),
                                    Workload.builder().build(),
                                    80,
                                    Purpose.STANDARD,
                                    dice);
            counts.merge(one.name(), 1, Integer::sum);
        }

        assertThat(counts.keySet()).containsExactlyInAnyOrder("a", "c", "d");
        assertThat(counts.get("a")).isBetween(850, 1150);
        assertThat(counts.get("c")).isBetween(2800, 3200);
        assertThat(counts.get("d")).isBetween(5750, 6250);
    }

    @Test
    void healthPolicyActsAtOnceInBothDirections() {
        MeshSnapshot first =
                mesh().workload("sick")
                        .at("10.0.0.1")
                        .unhealthy()
                        .backs("svc", 80, 80)
                        .service("svc")
                        .ports(80, 80)
                        .snapshot();
        Service healthy = first.service(new NamespacedHostname("ns", "svc")).service();
        Service all = mesh().service("svc").ports(80, 80).publishesNotReady().build();
        Workload client = Workload.builder().build();

        MeshSnapshot second = new MeshDelta(first, "").upsert(all).apply();
        MeshSnapshot third = new MeshDelta(second, "").upsert(healthy).apply();
        MeshSnapshot fourth = new MeshDelta(third, "").upsert(all).apply();

        assertThat(all.loadBalancer().healthPolicy()).isEqualTo(HealthPolicy.ALLOW_ALL);
        assertThat(drawn(first, client)).containsExactly("-");
        assertThat(drawn(second, client)).containsExactly("sick");
        assertThat(drawn(third, client)).containsExactly("-");
        assertThat(drawn(fourth, client)).containsExactly("sick");
    }

    /// The tree against a list: after any changes the best rank and its members are the same.
    @Test
    void choiceIsThatOfANaiveWalkOverAllEndpoints() {
        Random random = new Random(3);
        Scope[][] preferences = {
            {Scope.NETWORK, Scope.REGION, Scope.ZONE},
            {Scope.REGION, Scope.ZONE, Scope.NODE},
            {Scope.NODE},
            {Scope.NETWORK},
            {Scope.REGION, Scope.NETWORK, Scope.CLUSTER}
        };
        for (int round = 0; round < 60; round++) {
            Scope[] scopes = preferences[round % preferences.length];
            Mode mode = round % 2 == 0 ? Mode.FAILOVER : Mode.STRICT;
            MeshSnapshot mesh =
                    mesh().service("svc").ports(80, 80).balanced(mode, scopes).snapshot();
            Map<String, Workload> live = new HashMap<>();
            for (int step = 0; step < 80; step++) {
                Workload next = randomWorkload(random, "w" + random.nextInt(25));
                MeshDelta delta = new MeshDelta(mesh, "");
                if (random.nextInt(3) == 0) {
                    delta.removeAddress(next.uid());
                    live.remove(next.uid());
                } else {
                    delta.upsert(next);
                    live.put(next.uid(), next);
                }
                mesh = delta.apply();
            }
            Workload client = randomWorkload(random, "client");

            assertThat(drawn(mesh, client))
                    .isEqualTo(naive(live.values(), client, mode, List.of(scopes)));
        }
    }

    private static Workload randomWorkload(Random random, String name) {
        return mesh().workload(name)
                .at("10.0.0." + (1 + random.nextInt(250)))
                .network("n" + random.nextInt(2))
                .reachedThrough("g/10.1.1.1", 15008)
                .locality("r" + random.nextInt(3), "z" + random.nextInt(3))
                .on("node" + random.nextInt(3))
                .backs("svc", 80, 80)
                .build();
    }

    private static Set<String> naive(
            Iterable<Workload> all, Workload client, Mode mode, List<Scope> scopes) {
        int best = -1;
        List<Workload> group = new ArrayList<>();
        for (Workload candidate : all) {
            int rank = 0;
            int equal = 0;
            boolean walking = true;
            for (int i = 0; i < scopes.size(); i++) {
                boolean same = value(candidate, scopes.get(i)).equals(value(client, scopes.get(i)));
                equal += same ? 1 : 0;
                if (i == 0 && scopes.get(0) == Scope.NETWORK) {
                    rank += same ? scopes.size() : 0;
                } else if (walking && same) {
                    rank++;
                } else {
                    walking = false;
                }
            }
            if (mode == Mode.STRICT && equal < scopes.size()) {
                continue;
            }
            if (rank > best) {
                best = rank;
                group.clear();
            }
            if (rank == best) {
                group.add(candidate);
            }
        }
        Set<String> names = new HashSet<>();
        group.forEach(one -> names.add(one.name()));
        return names.isEmpty() ? Set.of("-") : new TreeSet<>(names);
    }

    private static String value(Workload workload, Scope scope) {
        return switch (scope) {
            case REGION -> workload.locality().region();
            case ZONE -> workload.locality().zone();
            case SUBZONE -> workload.locality().subzone();
            case NODE -> workload.node();
            case CLUSTER -> workload.clusterId();
            case NETWORK -> workload.network();
        };
    }
}
