package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.Avoided;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/// Where else a connection may go whose endpoint failed before a byte was sent
/// (docs/spec/dataplane.md 2.8), and what has to be asked for first (2.2).
class AnotherRouteTest {
    private static final String SOURCE = "127.0.0.1";

    private final SplittableRandom dice = new SplittableRandom(3);
    private final OutboundRouter router = new OutboundRouter(RouteSettings.defaults());

    private static MeshKit base() {
        return mesh().workload("source").at(SOURCE).locality("r", "z").and();
    }

    private static Avoided names(String... names) {
        return (workload, _) -> List.of(names).contains(workload.name());
    }

    private static OutboundRequest to(MeshSnapshot mesh, String ip) {
        return new OutboundRequest(
                mesh.workloadByUid("Kubernetes//Pod/ns/source"), ip(SOURCE), ip(ip), 80);
    }

    private OutboundRoute another(MeshSnapshot mesh, String ip, String... failed) {
        return router.another(
                mesh, to(mesh, ip), new Experience(names(failed), Avoided.NOBODY, Set.of()), dice);
    }

    private Set<String> chosen(MeshSnapshot mesh, String ip, Avoided avoided) {
        Set<String> all = new TreeSet<>();
        for (int i = 0; i < 200; i++) {
            OutboundRoute route =
                    router.route(
                            mesh,
                            to(mesh, ip),
                            new Experience(Avoided.NOBODY, avoided, Set.of()),
                            dice);
            all.add(route.destination() == null ? "-" : route.destination().name());
        }
        return all;
    }

    private static MeshSnapshot three() {
        return base().workload("a")
                .at("10.0.0.1")
                .hbone()
                .backs("svc", 80, 8080)
                .workload("b")
                .at("10.0.0.2")
                .hbone()
                .backs("svc", 80, 8080)
                .workload("c")
                .at("10.0.0.3")
                .backs("svc", 80, 8080)
                .service("svc")
                .vip("10.96.0.1")
                .snapshot();
    }

    @Test
    void theOthersOfAServiceAreLeftUntilThereAreNone() {
        MeshSnapshot mesh = three();

        assertThat(another(mesh, "10.96.0.1", "a", "c").destination().name()).isEqualTo("b");
        assertThat(another(mesh, "10.96.0.1", "a", "b"))
                .isInstanceOfSatisfying(
                        OutboundRoute.Plain.class,
                        plain -> assertThat(plain.hop().ip()).isEqualTo(ip("10.0.0.3")));
        assertThat(another(mesh, "10.96.0.1", "a", "b", "c")).isNull();
    }

    @Test
    void thoseThatFailedOthersAreChosenOnlyWhereNobodyElseIs() {
        MeshSnapshot mesh = three();

        assertThat(chosen(mesh, "10.96.0.1", names("a"))).containsExactly("b", "c");
        assertThat(chosen(mesh, "10.96.0.1", names("a", "b", "c"))).containsExactly("a", "b", "c");
        // Nobody has failed this connection but b, and everybody failed others.
        assertThat(
                        router.another(
                                        mesh,
                                        to(mesh, "10.96.0.1"),
                                        new Experience(names("b"), names("a", "c"), Set.of()),
                                        dice)
                                .destination()
                                .name())
                .isIn("a", "c");
    }

    @Test
    void anAddressOfAWorkloadHasNoOther() {
        MeshSnapshot mesh = three();

        assertThat(another(mesh, "10.0.0.1", "a")).isNull();
        assertThat(another(mesh, "10.0.0.3", "c")).isNull();
    }

    @Test
    void nothingLeavesTheMeshForAFailure() {
        assertThat(another(three(), "192.0.2.1")).isNull();
    }

    @Test
    void aWaypointIsNeverPassedBy() {
        MeshSnapshot mesh =
                base().workload("server")
                        .at("10.0.0.1")
                        .hbone()
                        .backs("svc", 80, 8080)
                        .behind("ns/wp")
                        .workload("wp1")
                        .at("10.0.1.1")
                        .backs("wp", 15008, 15008)
                        .workload("wp2")
                        .at("10.0.1.2")
                        .backs("wp", 15008, 15008)
                        .service("wp")
                        .ports(15008, 15008)
                        .vip("10.96.0.9")
                        .service("svc")
                        .vip("10.96.0.1")
                        .behind("ns/wp")
                        .snapshot();

        for (String target : List.of("10.96.0.1", "10.0.0.1")) {
            OutboundRoute.Tunnel other = (OutboundRoute.Tunnel) another(mesh, target, "wp1");
            assertThat(other.hop().ip()).isEqualTo(ip("10.0.1.2"));
            assertThat(other.authority()).hasToString(target + ":80");
            assertThat(another(mesh, target, "wp1", "wp2")).isNull();
            assertThat(chosen(mesh, target, names("wp1"))).containsExactly("wp2");
            assertThat(chosen(mesh, target, names("wp1", "wp2"))).containsExactly("wp1", "wp2");
        }
    }

    @Test
    void aWaypointThatIsOneWorkloadHasNoOther() {
        MeshSnapshot mesh =
                base().workload("server")
                        .at("10.0.0.1")
                        .hbone()
                        .behind("/10.0.1.1")
                        .workload("wp")
                        .at("10.0.1.1")
                        .snapshot();

        assertThat(another(mesh, "10.0.0.1", "wp")).isNull();
    }

    @Test
    void failoverGoesToTheNextRankAndStrictDoesNot() {
        for (Mode mode : new Mode[] {Mode.FAILOVER, Mode.STRICT}) {
            MeshSnapshot mesh =
                    base().workload("near")
                            .at("10.0.0.1")
                            .locality("r", "z")
                            .backs("svc", 80, 8080)
                            .workload("far")
                            .at("10.0.0.2")
                            .locality("r", "y")
                            .backs("svc", 80, 8080)
                            .service("svc")
                            .vip("10.96.0.1")
                            .balanced(mode, Scope.REGION, Scope.ZONE)
                            .snapshot();

            assertThat(chosen(mesh, "10.96.0.1", Avoided.NOBODY)).containsExactly("near");
            if (mode == Mode.FAILOVER) {
                assertThat(another(mesh, "10.96.0.1", "near").destination().name())
                        .isEqualTo("far");
                assertThat(chosen(mesh, "10.96.0.1", names("near"))).containsExactly("far");
            } else {
                assertThat(another(mesh, "10.96.0.1", "near")).isNull();
                assertThat(chosen(mesh, "10.96.0.1", names("near"))).containsExactly("near");
            }
        }
    }

    @Test
    void anotherGatewayIsTried() {
        MeshSnapshot mesh =
                base().workload("remote")
                        .network("far")
                        .hbone()
                        .backs("svc", 80, 8080)
                        .reachedThrough("ns/gw", 15008)
                        .workload("gw1")
                        .at("10.0.1.1")
                        .backs("gw", 15008, 15008)
                        .workload("gw2")
                        .at("10.0.1.2")
                        .backs("gw", 15008, 15008)
                        .service("gw")
                        .ports(15008, 15008)
                        .service("svc")
                        .vip("10.96.0.1")
                        .snapshot();

        OutboundRoute.NestedTunnel other =
                (OutboundRoute.NestedTunnel) another(mesh, "10.96.0.1", "gw1");

        assertThat(other.gateway().ip()).isEqualTo(ip("10.0.1.2"));
        assertThat(another(mesh, "10.96.0.1", "gw1", "gw2")).isNull();
    }

    @Test
    void onDemandUnknownAddressesAreAskedForOnce() {
        OutboundRouter asking =
                new OutboundRouter(RouteSettings.defaults().withNetwork("net").withOnDemand(true));
        MeshSnapshot mesh = base().snapshot();
        OutboundRequest request = to(mesh, "10.0.0.9");

        assertThat(asking.route(mesh, request, dice))
                .isEqualTo(new OutboundRoute.NeedsLookup("net/10.0.0.9"));
        assertThat(
                        asking.route(
                                mesh,
                                request,
                                new Experience(
                                        Avoided.NOBODY, Avoided.NOBODY, Set.of("net/10.0.0.9")),
                                dice))
                .isEqualTo(new OutboundRoute.Passthrough(ip("10.0.0.9"), 80));
    }

    @Test
    void onDemandUnknownWaypointsAreAskedForOnce() {
        OutboundRouter asking = new OutboundRouter(RouteSettings.defaults().withOnDemand(true));
        MeshSnapshot mesh =
                base().service("svc")
                        .vip("10.96.0.1")
                        .behind("ns/wp")
                        .service("other")
                        .vip("10.96.0.2")
                        .behind("/10.0.1.1")
                        .snapshot();

        assertThat(asking.route(mesh, to(mesh, "10.96.0.1"), dice))
                .isEqualTo(new OutboundRoute.NeedsLookup("ns/wp"));
        assertThat(asking.route(mesh, to(mesh, "10.96.0.2"), dice))
                .isEqualTo(new OutboundRoute.NeedsLookup("/10.0.1.1"));
        assertThat(
                        asking.route(
                                mesh,
                                to(mesh, "10.96.0.1"),
                                new Experience(Avoided.NOBODY, Avoided.NOBODY, Set.of("ns/wp")),
                                dice))
                .isInstanceOf(OutboundRoute.Refused.class);
    }

    @Test
    void withoutOnDemandNothingIsAskedFor() {
        MeshSnapshot mesh = base().service("svc").vip("10.96.0.1").behind("ns/wp").snapshot();

        assertThat(router.route(mesh, to(mesh, "10.0.0.9"), dice))
                .isInstanceOf(OutboundRoute.Passthrough.class);
        assertThat(router.route(mesh, to(mesh, "10.96.0.1"), dice))
                .isInstanceOf(OutboundRoute.Refused.class);
    }
}
