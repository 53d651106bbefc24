package io.ztunnel.mesh;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ztunnel.mesh.Endpoints.Purpose;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;

/// docs/spec/dataplane.md 2.8: choosing among those that did not fail.
class DrawAroundTest {
    private static final String[] NETWORKS = {"", "far"};
    private static final String[] PLACES = {"", "a", "b"};

    private final Random random = new Random(5);
    private final SplittableRandom dice = new SplittableRandom(7);

    private static ServiceEntry entry(MeshSnapshot mesh) {
        return mesh.service(new NamespacedHostname("ns", "svc"));
    }

    private Workload draw(ServiceEntry entry, Workload client, Set<String> passedOver) {
        return entry.endpoints()
                .drawAround(
                        (workload, _) -> passedOver.contains(workload.name()),
                        entry.service(),
                        client,
                        80,
                        Purpose.STANDARD,
                        dice);
    }

    /// The rule in its plainest words: of those that are left, one of the best rank.
    @Test
    void randomServicesAreDrawnFromAsTheNaiveReadingDoes() {
        int found = 0;
        int none = 0;
        int lowerRank = 0;
        for (int round = 0; round < 400; round++) {
            List<Scope> scopes = scopes();
            Mode mode = pick(Mode.STANDARD, Mode.STRICT, Mode.FAILOVER, Mode.FAILOVER);
            MeshKit kit = mesh();
            int size = random.nextInt(12);
            for (int i = 0; i < size; i++) {
                kit.workload("w" + i)
                        .at("10.0.0." + i)
                        .network(pick(NETWORKS))
                        .reachedThrough("far/10.9.9.9", 15008)
                        .locality(pick(PLACES), pick(PLACES))
                        .capacity(random.nextInt(6) == 0 ? 0 : 1 + random.nextInt(3))
                        .backs("svc", random.nextBoolean() ? new int[] {80, 8081} : new int[] {})
                        .end();
            }
            MeshSnapshot mesh =
                    kit.service("svc").balanced(mode, scopes.toArray(new Scope[0])).snapshot();
            Workload client =
                    Workload.builder()
                            .network(pick(NETWORKS))
                            .locality(new Locality(pick(PLACES), pick(PLACES), ""))
                            .build();
            for (int i = 0; i < 20; i++) {
                Set<String> passedOver = new HashSet<>();
                for (int w = 0; w < size; w++) {
                    if (random.nextInt(3) > 0) {
                        passedOver.add("w" + w);
                    }
                }
                Set<String> expected = best(mesh, client, mode, scopes, passedOver);

                Workload drawn = draw(entry(mesh), client, passedOver);

                if (drawn == null) {
                    assertThat(expected).isEmpty();
                    none++;
                } else {
                    assertThat(expected).contains(drawn.name());
                    found++;
                    lowerRank +=
                            best(mesh, client, mode, scopes, Set.of()).contains(drawn.name())
                                    ? 0
                                    : 1;
                }
            }
        }
        assertThat(found).isGreaterThan(1000);
        assertThat(none).isGreaterThan(500);
        assertThat(lowerRank).isGreaterThan(200);
    }

    private static Set<String> best(
            MeshSnapshot mesh,
            Workload client,
            Mode mode,
            List<Scope> scopes,
            Set<String> passedOver) {
        Map<Integer, Set<String>> byRank = new HashMap<>();
        for (Workload one : mesh.workloads()) {
            if (one.capacity() > 0 && !passedOver.contains(one.name())) {
                int rank = mode == Mode.STANDARD ? 0 : rank(one, client, scopes);
                int full = rank(client, client, scopes);
                if (mode != Mode.STRICT || rank == full) {
                    byRank.computeIfAbsent(rank, _ -> new HashSet<>()).add(one.name());
                }
            }
        }
        int best = byRank.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
        return byRank.getOrDefault(best, Set.of());
    }

    private static int rank(Workload one, Workload client, List<Scope> scopes) {
        int rank = 0;
        for (int i = 0; i < scopes.size(); i++) {
            boolean same =
                    switch (scopes.get(i)) {
                        case NETWORK -> one.network().equals(client.network());
                        case REGION -> one.locality().region().equals(client.locality().region());
                        case ZONE -> one.locality().zone().equals(client.locality().zone());
                        default -> throw new IllegalStateException();
                    };
            if (same) {
                rank += i == 0 && scopes.get(0) == Scope.NETWORK ? scopes.size() : 1;
            } else if (i > 0 || scopes.get(0) != Scope.NETWORK) {
                break;
            }
        }
        return rank;
    }

    private List<Scope> scopes() {
        List<Scope> all = new ArrayList<>();
        if (random.nextBoolean()) {
            all.add(Scope.NETWORK);
        }
        all.add(Scope.REGION);
        if (random.nextBoolean()) {
            all.add(Scope.ZONE);
        }
        return all;
    }

    @SafeVarargs
    private <T> T pick(T... values) {
        return values[random.nextInt(values.length)];
    }

    @Test
    void thoseThatAreLeftShareTheLoadByCapacity() {
        MeshKit kit = mesh();
        for (int i = 0; i < 100; i++) {
            kit.workload("w" + i)
                    .at("10.0.0." + i)
                    .capacity(i == 99 ? 3 : 1)
                    .backs("svc", 80, 8080)
                    .end();
        }
        MeshSnapshot mesh = kit.service("svc").snapshot();
        Set<String> passedOver = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            passedOver.add("w" + i);
        }
        Map<String, Integer> hits = new HashMap<>();
        for (int i = 0; i < 52_000; i++) {
            hits.merge(
                    draw(entry(mesh), Workload.builder().build(), passedOver).name(),
                    1,
                    Integer::sum);
        }

        assertThat(hits).hasSize(50);
        assertThat(hits.get("w99")).isCloseTo(3000, within(300));
        assertThat(hits.get("w75")).isCloseTo(1000, within(200));
    }

    /// The port that is asked about is the one on the workload, whoever maps it.
    @Test
    void portsAreThoseOfTheWorkload() {
        MeshSnapshot mesh =
                mesh().workload("own")
                        .at("10.0.0.1")
                        .backs("svc", 80, 9090)
                        .workload("declared")
                        .at("10.0.0.2")
                        .backs("svc")
                        .service("svc")
                        .snapshot();
        Set<String> asked = new HashSet<>();
        ServiceEntry entry = entry(mesh);

        entry.endpoints()
                .drawAround(
                        (workload, port) -> {
                            asked.add(workload.name() + ":" + port);
                            return true;
                        },
                        entry.service(),
                        Workload.builder().build(),
                        80,
                        Purpose.STANDARD,
                        dice);

        assertThat(asked).containsExactlyInAnyOrder("own:9090", "declared:8080");
    }
}
