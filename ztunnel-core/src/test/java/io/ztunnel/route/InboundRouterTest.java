package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.ApplicationTunnel.Kind;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.InboundRoute.Deliver;
import io.ztunnel.route.InboundRoute.Refused;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// docs/spec/dataplane.md 13.4, rows 69 to 80 and 87 to 93. Client 10.0.0.1, server 10.0.0.2 with
/// VIP 10.10.0.1, waypoint 10.0.0.3 with VIP 10.10.0.2.
class InboundRouterTest {
    private static final String SERVER = "server.default.svc.cluster.local";

    private final InboundRouter router = new InboundRouter(RouteSettings.defaults());

    private static MeshSnapshot world(
            String podWaypoint, String serviceWaypoint, Kind tunnel, int tunnelPort) {
        MeshKit.WorkloadWords server =
                mesh().workload("client")
                        .in("default")
                        .at("10.0.0.1")
                        .workload("server")
                        .in("default")
                        .at("10.0.0.2")
                        .backs(SERVER, 80, 8080);
        if (podWaypoint != null) {
            server.behind(podWaypoint);
        }
        MeshKit.ServiceWords service =
                server.service(SERVER).in("default").vip("10.10.0.1").ports(80, 8080, 81, 0);
        if (serviceWaypoint != null) {
            service.behind(serviceWaypoint);
        }
        MeshKit.WorkloadWords waypoint =
                service.workload("waypoint")
                        .in("default")
                        .at("10.0.0.3")
                        .backs("waypoint.default.svc.cluster.local", 15008, 15008);
        if (tunnel != null) {
            waypoint.tunnel(tunnel, tunnelPort);
        }
        return waypoint.service("waypoint.default.svc.cluster.local")
                .in("default")
                .vip("10.10.0.2")
                .ports(15008, 15008)
                .snapshot();
    }

    private String route(MeshSnapshot mesh, String destination, String authority) {
        Workload local = mesh.workloadByAddress("", ip(destination));
        return switch (router.route(mesh, new InboundRequest(local, ip(destination), authority))) {
            case Deliver(var to, var port, var loopback, var announce, _) ->
                    Authority.of(to, port)
                            + (loopback ? " on loopback" : "")
                            + (announce == null ? "" : " announcing " + announce);
            case Refused refused -> refused.status() + " " + refused.text();
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.2:8080", SERVER + ":80"})
    void row69_row70_toTheServer(String authority) {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", authority))
                .isEqualTo("10.0.0.2:8080");
    }

    @ParameterizedTest
    @CsvSource({"/10.0.0.3", "/10.10.0.2", "default/waypoint.default.svc.cluster.local"})
    void row71_row72_waypointOfThePod(String reference) {
        assertThat(route(world(reference, null, null, 0), "10.0.0.3", "10.0.0.2:8080"))
                .isEqualTo("10.0.0.3:8080");
    }

    @Test
    void row73_waypointOfThePodWithProxyTunnel() {
        assertThat(route(world("/10.10.0.2", null, Kind.PROXY, 15088), "10.0.0.3", "10.0.0.2:8080"))
                .isEqualTo("10.0.0.3:15088 on loopback announcing 10.0.0.2:8080");
    }

    @ParameterizedTest
    @CsvSource({"/10.0.0.3", "/10.10.0.2"})
    void row74_row75_waypointOfTheService(String reference) {
        assertThat(route(world(null, reference, null, 0), "10.0.0.3", "10.10.0.1:8080"))
                .isEqualTo("10.0.0.3:8080");
    }

    @Test
    void row76_waypointOfTheServiceWithProxyTunnel() {
        assertThat(
                        route(
                                world(null, "/10.10.0.2", Kind.PROXY, 15088),
                                "10.0.0.3",
                                "10.10.0.1:8080"))
                .isEqualTo("10.0.0.3:15088 on loopback announcing 10.10.0.1:8080");
    }

    @Test
    void row77_anotherAddressIsAMismatch() {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", "10.0.0.1:8080"))
                .isEqualTo("400 ip mismatch: 10.0.0.2 != 10.0.0.1");
    }

    @Test
    void row78_notAttachedToTheWaypoint() {
        assertThat(route(world(null, null, null, 0), "10.0.0.3", "10.0.0.1:8080"))
                .startsWith("400 ip mismatch");
    }

    @Test
    void row79_onlyTheServiceIsAttached() {
        assertThat(route(world(null, "/10.10.0.2", null, 0), "10.0.0.3", "10.0.0.2:8080"))
                .startsWith("400 ip mismatch");
    }

    @Test
    void row80_onlyTheWorkloadIsAttached() {
        assertThat(route(world("/10.10.0.2", null, null, 0), "10.0.0.3", "10.10.0.1:8080"))
                .startsWith("400 ip mismatch");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.0.2",
                "10.0.0.2:65536",
                "10.0.0.2:",
                "",
                ":80",
                "10.0.0.2:http",
                "::1:80",
                "[::1:80",
                "[nonsense]:80",
                "a b:80"
            })
    void row87_authorityWithoutAUsablePort(String authority) {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", authority))
                .isEqualTo("400 no valid authority pseudo header: " + authority);
    }

    @Test
    void row88_unknownHostname() {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", "nobody.example.com:80"))
                .isEqualTo("503 no service or workload for hostname: nobody.example.com");
    }

    @ParameterizedTest
    @ValueSource(ints = {82, 81})
    void row89_portUnknownOrNamedAndNotMapped(int port) {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", SERVER + ":" + port))
                .isEqualTo(
                        "503 requested service "
                                + SERVER
                                + ":"
                                + port
                                + " found, but cannot resolve port");
    }

    @ParameterizedTest
    @ValueSource(ints = {15001, 15006, 15008})
    void row90_ownPorts(int port) {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", "10.0.0.2:" + port))
                .isEqualTo("503 attempted recursive call to ourselves");
    }

    @Test
    void row91_tunnelOfKindNoneWithoutPort() {
        assertThat(route(world(null, null, Kind.NONE, 0), "10.0.0.3", "192.0.2.1:8080"))
                .isEqualTo("10.0.0.3:8080");
    }

    @Test
    void row93_policiesSeeTheTunnelPort() {
        MeshSnapshot mesh = world("/10.0.0.3", null, Kind.PROXY, 15088);
        Workload local = mesh.workloadByAddress("", ip("10.0.0.3"));

        InboundRoute route =
                router.route(mesh, new InboundRequest(local, ip("10.0.0.3"), "10.0.0.2:8080"));

        assertThat(((Deliver) route).port()).isEqualTo(15088);
    }

    @Test
    void hostnameThroughATunnelAnnouncesTheAddressOfTheService() {
        assertThat(route(world(null, null, Kind.PROXY, 15088), "10.0.0.3", SERVER + ":80"))
                .isEqualTo("10.0.0.3:15088 on loopback announcing 10.10.0.1:80");
    }

    @Test
    void mappedAddressIsNotTheConnectionsOwn() {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", "[::ffff:10.0.0.2]:8080"))
                .startsWith("400 ip mismatch");
    }

    @Test
    void aUserBeforeTheAddressMakesItAHostname() {
        assertThat(route(world(null, null, null, 0), "10.0.0.2", "user@10.0.0.2:8080"))
                .isEqualTo("503 no service or workload for hostname: 10.0.0.2");
    }

    @Test
    void destinationServiceIsGuessedByHostThenByPort() {
        MeshSnapshot mesh = world(null, null, null, 0);
        Workload local = mesh.workloadByAddress("", ip("10.0.0.2"));

        assertThat(DestinationService.guess(mesh, local, null, SERVER, 1).hostname())
                .isEqualTo(SERVER);
        assertThat(DestinationService.guess(mesh, local, null, null, 8080).hostname())
                .isEqualTo(SERVER);
        assertThat(DestinationService.guess(mesh, local, null, "else", 1)).isNull();
    }
}
