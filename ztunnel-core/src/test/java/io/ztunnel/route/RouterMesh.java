package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.OutboundRoute.NeedsDns;
import io.ztunnel.route.OutboundRoute.NestedTunnel;
import io.ztunnel.route.OutboundRoute.Passthrough;
import io.ztunnel.route.OutboundRoute.Plain;
import io.ztunnel.route.OutboundRoute.Refused;
import io.ztunnel.route.OutboundRoute.Tunnel;
import io.ztunnel.testkit.MeshKit;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/// A mesh, a router and a caller, and routes as text.
abstract class RouterMesh {
    final RandomGenerator dice = new SplittableRandom(7);
    final OutboundRouter router = new OutboundRouter(RouteSettings.defaults());

    /// The source of upstream's tests, and a waypoint.
    static MeshKit.WorkloadWords base() {
        return mesh().workload("source-workload")
                .at("127.0.0.1", "::1")
                .workload("waypoint")
                .at("127.0.0.10")
                .workload("waypoint-dual")
                .at("127.0.0.11", "ff06::c5");
    }

    static Workload source(MeshSnapshot mesh) {
        return mesh.workloadByUid("Kubernetes//Pod/ns/source-workload");
    }

    OutboundRoute route(MeshSnapshot mesh, String target) {
        return route(mesh, source(mesh), "127.0.0.1", target);
    }

    OutboundRoute route(MeshSnapshot mesh, Workload source, String sourceIp, String target) {
        Authority.Address address = (Authority.Address) Authority.parseOrNull(target);
        return router.route(
                mesh,
                new OutboundRequest(source, ip(sourceIp), address.ip(), address.port()),
                dice);
    }

    /// A route in one line: kind, where to, what for.
    static String text(OutboundRoute route) {
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
}
