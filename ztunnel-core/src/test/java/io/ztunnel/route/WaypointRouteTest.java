package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.OutboundRoute.Tunnel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Waypoints on the way: their rows of docs/spec/dataplane.md 13.1 and docs/spec/control-plane.md
/// 4.11.
class WaypointRouteTest extends RouterMesh {
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
}
