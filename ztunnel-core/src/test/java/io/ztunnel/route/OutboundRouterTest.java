package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service.IpFamilies;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.OutboundRoute.NeedsDns;
import io.ztunnel.route.OutboundRoute.NestedTunnel;
import io.ztunnel.route.OutboundRoute.Passthrough;
import io.ztunnel.route.OutboundRoute.Plain;
import io.ztunnel.route.OutboundRoute.Refused;
import io.ztunnel.route.OutboundRoute.Tunnel;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/// docs/spec/dataplane.md 13.1 (rows 1 to 37, without the headers of 28 to 32) and 13.2 (38 to 42),
/// docs/spec/control-plane.md 4.11 (R1 to R21).
class OutboundRouterTest {
    private static final String GATEWAY = "remote/10.22.1.1";

    private final RandomGenerator dice = new SplittableRandom(7);
    private final OutboundRouter router = new OutboundRouter(RouteSettings.defaults());

    /// The source of upstream's tests, and a waypoint.
    private static MeshKit.WorkloadWords base() {
        return mesh().workload("source-workload")
                .at("127.0.0.1", "::1")
                .workload("waypoint")
                .at("127.0.0.10")
                .workload("waypoint-dual")
                .at("127.0.0.11", "ff06::c5");
    }

    private static Workload source(MeshSnapshot mesh) {
        return mesh.workloadByUid("Kubernetes//Pod/ns/source-workload");
    }

    private OutboundRoute route(MeshSnapshot mesh, String target) {
        return route(mesh, source(mesh), "127.0.0.1", target);
    }

    private OutboundRoute route(
            MeshSnapshot mesh, Workload source, String sourceIp, String target) {
        Authority.Address address = (Authority.Address) Authority.parseOrNull(target);
        return router.route(
                mesh,
                new OutboundRequest(source, ip(sourceIp), address.ip(), address.port()),
                dice);
    }

    /// A route in one line: kind, where to, what for.
    private static String text(OutboundRoute route) {
        return switch (route) {
            case Passthrough(var ip, var port) -> "passthrough " + Authority.of(ip, port);
            case Plain(var hop, _) -> "tcp " + hop.address();
            case Tunnel(var hop, var authority, _) ->
                    "hbone " + hop.address() + " for " + authority;
            case NestedTunnel(var gateway, _, var authority, _) ->
                    "nested " + gateway.address() + " for " + authority;
            case Refused(_, var text) -> "refused " + text;
            case NeedsDns needs -> "dns " + needs.workload().hostname();
            case OutboundRoute.NeedsLookup(var key) -> "ask for " + key;
        };
    }

    @Test
    void row01_R1_unknownAddressPassesThrough() {
        assertThat(route(base().snapshot(), "1.2.3.4:80"))
                .isEqualTo(new Passthrough(ip("1.2.3.4"), 80));
    }

    @Test
    void row02_R4_remoteEndpointWithoutGatewayIsAnError() {
        MeshSnapshot mesh =
                base().workload("remote")
                        .network("remote")
                        .at("10.0.0.9")
                        .backs("example.com", 80, 8080)
                        .service("example.com")
                        .vip("127.0.0.3")
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80")))
                .isEqualTo("refused no healthy upstream: 127.0.0.3:80");
    }

    private static MeshKit.ServiceWords remote(String gateway) {
        return base().workload("ew-gateway")
                .network("remote")
                .at("10.22.1.1")
                .workload("remote")
                .network("remote")
                .reachedThrough(gateway, 15009)
                .backs("example.com", 80, 8080)
                .service("example.com")
                .vip("127.0.0.3")
                .accepts("spiffe://cluster.local/ns/ns/sa/backend");
    }

    @Test
    void row03_R5_remoteEndpointThroughGatewayByAddress() {
        OutboundRoute route = route(remote(GATEWAY).snapshot(), "127.0.0.3:80");

        assertThat(text(route)).isEqualTo("nested 10.22.1.1:15009 for example.com:80");
        NestedTunnel nested = (NestedTunnel) route;
        assertThat(nested.gateway().identities())
                .containsExactly(new SpiffeId("cluster.local", "ns", "ew-gateway-sa"));
        assertThat(nested.innerIdentities())
                .containsExactly(new SpiffeId("cluster.local", "ns", "backend"));
        assertThat(route.service().hostname()).isEqualTo("example.com");
        assertThat(route.destination().name()).isEqualTo("ew-gateway");
    }

    @Test
    void row04_R6_remoteEndpointThroughGatewayByHostname() {
        MeshSnapshot mesh =
                remote("ns/ew-gtw")
                        .workload("ew-gtw-pod")
                        .network("remote")
                        .at("127.0.0.5")
                        .backs("ew-gtw", 15009, 15008)
                        .service("ew-gtw")
                        .ports(15009, 15008)
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80")))
                .isEqualTo("nested 127.0.0.5:15008 for example.com:80");
    }

    @Test
    void row05_R7_remoteServiceWaypointThroughItsGateway() {
        MeshSnapshot mesh =
                base().workload("ew-gateway")
                        .network("remote")
                        .at("10.22.1.1")
                        .workload("remote-waypoint")
                        .network("remote")
                        .reachedThrough(GATEWAY, 15009)
                        .backs("waypoint.ns", 15008, 15008)
                        .service("waypoint.ns")
                        .ports(15008, 15008)
                        .service("example.com")
                        .vip("127.0.0.3")
                        .behind("ns/waypoint.ns")
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80")))
                .isEqualTo("nested 10.22.1.1:15009 for example.com:80");
    }

    @ParameterizedTest(name = "healthy {0}: {1}")
    @CsvSource({
        "true, hbone 127.0.0.2:15008 for 127.0.0.2:8080",
        "false, nested 10.22.1.1:15009 for example.com:80"
    })
    void row06_R8_row07_R9_failoverToTheOtherNetwork(boolean healthy, String expected) {
        MeshKit.WorkloadWords local =
                remote(GATEWAY)
                        .balanced(Mode.FAILOVER, Scope.NETWORK)
                        .workload("local")
                        .at("127.0.0.2")
                        .hbone()
                        .backs("example.com", 80, 8080);
        MeshSnapshot mesh = (healthy ? local : local.unhealthy()).snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80"))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"remote-node, false", "remote-node, true", "node, false", "node, true"})
    void row08_R2_row09_R3_row10_row11_workloadByItsAddress(String node, boolean hbone) {
        MeshKit.WorkloadWords words = base().workload("w").at("127.0.0.2").on(node);
        MeshSnapshot mesh = (hbone ? words.hbone() : words).snapshot();

        OutboundRoute route = route(mesh, "127.0.0.2:80");

        assertThat(text(route))
                .isEqualTo(hbone ? "hbone 127.0.0.2:15008 for 127.0.0.2:80" : "tcp 127.0.0.2:80");
        assertThat(route.destination().name()).isEqualTo("w");
    }

    @Test
    void row12_R10_waypointOfTheCallerIsNotUsed() {
        MeshSnapshot mesh =
                base().workload("caller")
                        .at("127.0.0.8")
                        .behind("/127.0.0.10")
                        .workload("w")
                        .at("127.0.0.2")
                        .snapshot();
        Workload caller = mesh.workloadByUid("Kubernetes//Pod/ns/caller");

        assertThat(text(route(mesh, caller, "127.0.0.8", "127.0.0.2:80")))
                .isEqualTo("tcp 127.0.0.2:80");
    }

    @Test
    void row13_R11_workloadBehindAWaypoint() {
        MeshSnapshot mesh = base().workload("w").at("127.0.0.2").behind("/127.0.0.10").snapshot();

        OutboundRoute route = route(mesh, "127.0.0.2:80");

        assertThat(text(route)).isEqualTo("hbone 127.0.0.10:15008 for 127.0.0.2:80");
        assertThat(((Tunnel) route).hop().identities())
                .containsExactly(new SpiffeId("cluster.local", "ns", "waypoint-sa"));
    }

    @Test
    void row14_R12_familyOfAWaypointByAddressIsThatOfTheReference() {
        MeshSnapshot mesh =
                base().workload("w").at("127.0.0.2", "ff06::c3").behind("/127.0.0.11").snapshot();

        assertThat(text(route(mesh, "[ff06::c3]:80")))
                .isEqualTo("hbone 127.0.0.11:15008 for [ff06::c3]:80");
    }

    @Test
    void row15_R13_serviceBehindAWaypoint() {
        MeshSnapshot mesh = base().service("svc").vip("127.0.0.3").behind("/127.0.0.10").snapshot();

        OutboundRoute route = route(mesh, "127.0.0.3:80");

        assertThat(text(route)).isEqualTo("hbone 127.0.0.10:15008 for 127.0.0.3:80");
        assertThat(route.service().hostname()).isEqualTo("svc");
    }

    @Test
    void row16_R14_serviceWithoutEndpoints() {
        MeshSnapshot mesh = base().service("svc").vip("127.0.0.3").snapshot();

        OutboundRoute route = route(mesh, "127.0.0.3:80");

        assertThat(text(route)).isEqualTo("refused no healthy upstream: 127.0.0.3:80");
        assertThat(((Refused) route).reason()).isEqualTo(Refusal.NO_HEALTHY_UPSTREAM);
    }

    @Test
    void row17_R15_namedPortGoesToTheEndpointThatMapsIt() {
        MeshSnapshot mesh =
                base().workload("a")
                        .at("127.0.0.2")
                        .backs("svc", 80, 1234)
                        .workload("b")
                        .at("127.0.0.4")
                        .backs("svc", 8080, 9999)
                        .service("svc")
                        .vip("127.0.0.3")
                        .ports(80, 0, 8080, 0)
                        .snapshot();

        for (int i = 0; i < 50; i++) {
            assertThat(text(route(mesh, "127.0.0.3:80"))).isEqualTo("tcp 127.0.0.2:1234");
        }
    }

    @Test
    void row18_R16_row19_R17_hostNetworkPodsShareAnAddress() {
        MeshSnapshot mesh =
                base().workload("pod1")
                        .at("127.0.0.2")
                        .hostNetwork()
                        .backs("svc", 80, 80)
                        .workload("pod2")
                        .at("127.0.0.2")
                        .hostNetwork()
                        .service("svc")
                        .vip("127.0.0.3")
                        .ports(80, 80)
                        .snapshot();

        OutboundRoute byVip = route(mesh, "127.0.0.3:80");
        OutboundRoute direct = route(mesh, "127.0.0.2:80");

        assertThat(text(byVip)).isEqualTo("tcp 127.0.0.2:80");
        assertThat(byVip.destination().name()).isEqualTo("pod1");
        assertThat(direct).isEqualTo(new Passthrough(ip("127.0.0.2"), 80));
        assertThat(direct.destination()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.2:80", "[ff06::c3]:80"})
    void row20_row21_dualStackWorkloadKeepsTheFamilyOfTheCall(String target) {
        MeshSnapshot mesh = base().workload("w").at("127.0.0.2", "ff06::c3").snapshot();

        assertThat(text(route(mesh, target))).isEqualTo("tcp " + target);
    }

    @ParameterizedTest(name = "{0} at {1}: {2}")
    @CsvSource({
        "IPV6, 127.0.0.3:80, hbone [ff06::c3]:15008 for [ff06::c3]:80",
        "IPV4, 127.0.0.3:80, hbone 127.0.0.2:15008 for 127.0.0.2:80",
        "DUAL, 127.0.0.3:80, hbone 127.0.0.2:15008 for 127.0.0.2:80",
        "DUAL, [ff06::cc]:80, hbone [ff06::c3]:15008 for [ff06::c3]:80"
    })
    void row22_to_row25_R18_R19_familiesOfTheService(
            IpFamilies families, String target, String expected) {
        MeshSnapshot mesh =
                base().workload("w")
                        .at("127.0.0.2", "ff06::c3")
                        .hbone()
                        .backs("svc", 80, 80)
                        .service("svc")
                        .vip("127.0.0.3")
                        .vip("ff06::cc")
                        .ports(80, 80)
                        .families(families)
                        .snapshot();

        assertThat(text(route(mesh, target))).isEqualTo(expected);
    }

    @Test
    void row26_R20_passthroughService() {
        MeshSnapshot mesh =
                base().service("svc").vip("1.2.3.4").balanced(Mode.PASSTHROUGH).snapshot();

        assertThat(text(route(mesh, "1.2.3.4:80"))).isEqualTo("passthrough 1.2.3.4:80");
    }

    @Test
    void row27_R21_passthroughServiceBehindAWaypoint() {
        MeshSnapshot mesh =
                base().service("svc")
                        .vip("1.2.3.4")
                        .balanced(Mode.PASSTHROUGH)
                        .behind("/127.0.0.10")
                        .snapshot();

        assertThat(text(route(mesh, "1.2.3.4:80")))
                .isEqualTo("hbone 127.0.0.10:15008 for 1.2.3.4:80");
    }

    @Test
    void row33_weightedWaypointsGoBeforeTheSingleOne() {
        MeshSnapshot mesh =
                base().service("svc")
                        .vip("127.0.0.3")
                        .behind("/127.0.0.10")
                        .weighted("/127.0.0.11", 1)
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80"))).startsWith("hbone 127.0.0.11:15008");
    }

    @Test
    void row34_unknownWaypointIsNeverPassedBy() {
        MeshSnapshot mesh =
                base().workload("w")
                        .at("127.0.0.2")
                        .behind("ns/nobody")
                        .backs("svc", 80, 80)
                        .service("svc")
                        .vip("127.0.0.3")
                        .behind("/127.0.0.99")
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.2:80")))
                .isEqualTo("refused unknown waypoint: ns/nobody");
        assertThat(text(route(mesh, "127.0.0.3:80")))
                .isEqualTo("refused unknown waypoint: /127.0.0.99");
    }

    @Test
    void row35_withoutNamesOfTheServiceNobodyIsAcceptedInside() {
        MeshSnapshot mesh = remote(GATEWAY).accepts("not-an-identity").snapshot();

        assertThat(((NestedTunnel) route(mesh, "127.0.0.3:80")).innerIdentities()).isEmpty();
    }

    private static MeshSnapshot sandwich(String reference) {
        return base().workload("wp-pod")
                .at("127.0.0.12")
                .backs("wp.ns", 15008, 15008)
                .service("wp.ns")
                .vip("127.0.0.13")
                .ports(15008, 15008)
                .workload("w")
                .at("127.0.0.2")
                .behind(reference)
                .backs("svc", 80, 80)
                .service("svc")
                .vip("127.0.0.3")
                .ports(80, 80)
                .behind(reference)
                .snapshot();
    }

    @ParameterizedTest
    @CsvSource({"/127.0.0.12", "/127.0.0.13", "ns/wp.ns"})
    void row36_row37_aCapturedWaypointCallsThePodBehindIt(String reference) {
        MeshSnapshot mesh = sandwich(reference);
        Workload waypoint = mesh.workloadByUid("Kubernetes//Pod/ns/wp-pod");

        assertThat(text(route(mesh, waypoint, "127.0.0.12", "127.0.0.2:80")))
                .isEqualTo("tcp 127.0.0.2:80");
        assertThat(text(route(mesh, waypoint, "127.0.0.12", "127.0.0.3:80")))
                .isEqualTo("hbone 127.0.0.12:15008 for 127.0.0.3:80");
        assertThat(text(route(mesh, "127.0.0.2:80")))
                .isEqualTo("hbone 127.0.0.12:15008 for 127.0.0.2:80");
    }

    @ParameterizedTest(name = "weights {0} and {1}: the first in {2} to {3} of 10000")
    @CsvSource({
        "100, 0, 10000, 10000, 127.0.0.10",
        "0, 100, 0, 0, 127.0.0.10",
        "0, 0, 0, 0, 127.0.0.9",
        "75, 25, 7000, 8000, 127.0.0.10"
    })
    void row38_to_row42_weightedDraw(int one, int other, int least, int most, String first) {
        MeshSnapshot mesh =
                base().workload("single")
                        .at("127.0.0.9")
                        .service("svc")
                        .vip("127.0.0.3")
                        .behind("/127.0.0.9")
                        .weighted("/127.0.0.10", one)
                        .weighted("/127.0.0.11", other)
                        .snapshot();
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            counts.merge(
                    ((Tunnel) route(mesh, "127.0.0.3:80")).hop().ip().toString(), 1, Integer::sum);
        }

        if (one + other == 0) {
            assertThat(counts).containsOnlyKeys(first);
        } else {
            assertThat(counts.getOrDefault(first, 0)).isBetween(least, most);
            assertThat(counts).doesNotContainKey("127.0.0.9");
        }
    }

    @Test
    void row45_serviceWithoutThePortLeadsToATunnelOfItsWaypoint() {
        MeshSnapshot mesh =
                base().workload("plain")
                        .at("127.0.0.20")
                        .backs("wp.ns")
                        .workload("tunnelled")
                        .at("127.0.0.21")
                        .tunnel(ApplicationTunnel.Kind.PROXY, 15088)
                        .backs("wp.ns")
                        .service("wp.ns")
                        .ports()
                        .service("svc")
                        .vip("127.0.0.3")
                        .behind("ns/wp.ns")
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80")))
                .isEqualTo("hbone 127.0.0.21:15008 for 127.0.0.3:80");
    }

    @Test
    void row62_invisibleServiceIsAnUnknownAddress() {
        MeshSnapshot mesh =
                base().service("svc")
                        .in("other")
                        .vip("127.0.0.3")
                        .namespaceOnly()
                        .service("range")
                        .in("other")
                        .range("", "10.9.0.0/16")
                        .namespaceOnly()
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80"))).isEqualTo("passthrough 127.0.0.3:80");
        assertThat(text(route(mesh, "10.9.1.1:80"))).isEqualTo("passthrough 10.9.1.1:80");
    }

    @Test
    void row195_workloadWithOnlyAHostNameIsResolvedFirst() {
        MeshSnapshot mesh =
                base().workload("external")
                        .named("db.example.org")
                        .hbone()
                        .backs("svc", 80, 5432)
                        .service("svc")
                        .vip("127.0.0.3")
                        .snapshot();

        NeedsDns needs = (NeedsDns) route(mesh, "127.0.0.3:80");

        assertThat(needs.workload().hostname()).isEqualTo("db.example.org");
        assertThat(needs.like()).isEqualTo(ip("127.0.0.3"));
        assertThat(text(needs.at(ip("192.0.2.7"))))
                .isEqualTo("hbone 192.0.2.7:15008 for 192.0.2.7:5432");
    }

    @Test
    void gatewayThatNobodyKnowsIsNamed() {
        assertThat(text(route(remote("remote/10.22.9.9").snapshot(), "127.0.0.3:80")))
                .isEqualTo("refused unknown network gateway: remote/10.22.9.9");
    }

    @Test
    void identitiesOfTheServiceStandBeforeThatOfTheWorkload() {
        MeshSnapshot mesh =
                base().workload("w")
                        .at("127.0.0.2")
                        .hbone()
                        .backs("svc", 80, 80)
                        .service("svc")
                        .vip("127.0.0.3")
                        .accepts("spiffe://td/ns/a/sa/b", "nonsense")
                        .snapshot();

        assertThat(((Tunnel) route(mesh, "127.0.0.3:80")).hop().identities())
                .isEqualTo(
                        List.of(
                                new SpiffeId("td", "a", "b"),
                                new SpiffeId("cluster.local", "ns", "w-sa")));
    }
}
