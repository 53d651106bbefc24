package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.route.OutboundRoute.NestedTunnel;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Ways into other networks: their rows of docs/spec/dataplane.md 13.1 and
/// docs/spec/control-plane.md 4.11.
class GatewayRouteTest extends RouterMesh {
    private static final String GATEWAY = "remote/10.22.1.1";

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

    @Test
    void row35_withoutNamesOfTheServiceNobodyIsAcceptedInside() {
        MeshSnapshot mesh = remote(GATEWAY).accepts("not-an-identity").snapshot();

        assertThat(((NestedTunnel) route(mesh, "127.0.0.3:80")).innerIdentities()).isEmpty();
    }

    @Test
    void gatewayThatNobodyKnowsIsNamed() {
        assertThat(text(route(remote("remote/10.22.9.9").snapshot(), "127.0.0.3:80")))
                .isEqualTo("refused unknown network gateway: remote/10.22.9.9");
    }
}
