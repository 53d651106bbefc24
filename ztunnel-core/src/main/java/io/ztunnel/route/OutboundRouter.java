package io.ztunnel.route;

import io.ztunnel.mesh.Endpoints.Purpose;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.WeightedWaypoint;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.OutboundRoute.NeedsDns;
import io.ztunnel.route.OutboundRoute.NeedsLookup;
import io.ztunnel.route.OutboundRoute.NestedTunnel;
import io.ztunnel.route.OutboundRoute.Passthrough;
import io.ztunnel.route.OutboundRoute.Plain;
import io.ztunnel.route.OutboundRoute.Refused;
import io.ztunnel.route.OutboundRoute.Tunnel;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/// Decides where a connection that leaves a pod goes (docs/spec/dataplane.md 2.2).
///
/// A pure function of the snapshot, the request and the dice. O(log n) in the size of the mesh; all
/// it allocates is its answer.
public final class OutboundRouter {
    private final RouteSettings settings;

    public OutboundRouter(RouteSettings settings) {
        this.settings = settings;
    }

    public OutboundRoute route(MeshSnapshot mesh, OutboundRequest request, RandomGenerator dice) {
        return route(mesh, request, Experience.NONE, dice);
    }

    /// Another way for a connection whose way failed before a byte was sent
    /// (docs/spec/dataplane.md 2.8): by another endpoint of what was addressed, or of its waypoint
    /// or gateway. Never past a waypoint, and never out of the mesh.
    ///
    /// @param experience names who failed the connection
    /// @return null where there is no other way
    public @Nullable OutboundRoute another(
            MeshSnapshot mesh,
            OutboundRequest request,
            Experience experience,
            RandomGenerator dice) {
        OutboundRoute route = route(mesh, request, experience, dice);
        return switch (route) {
            case Plain it -> hasFailed(it.hop(), experience) ? null : it;
            case Tunnel it -> hasFailed(it.hop(), experience) ? null : it;
            case NestedTunnel it -> hasFailed(it.gateway(), experience) ? null : it;
            case NeedsDns it -> experience.failed().contains(it.workload(), 0) ? null : it;
            case Passthrough _, Refused _, NeedsLookup _ -> null;
        };
    }

    /// Who was addressed by an address of its own is chosen again whatever happened.
    private static boolean hasFailed(Hop hop, Experience experience) {
        return experience.failed().contains(hop.workload(), hop.port());
    }

    public OutboundRoute route(
            MeshSnapshot mesh,
            OutboundRequest request,
            Experience experience,
            RandomGenerator dice) {
        Workload source = request.source();
        IpAddress ip = request.targetIp();
        // What was addressed: workloads before services, in the network of this node.
        ServiceEntry service =
                mesh.workloadByAddress(settings.network(), ip) != null
                        ? null
                        : mesh.serviceByAddress(settings.network(), ip, source.namespace());
        if (service != null) {
            GatewayAddress waypoint = waypointOf(service.service(), dice);
            if (waypoint != null) {
                return throughServiceWaypoint(
                        mesh, request, service.service(), waypoint, experience, dice);
            }
        }
        // Who answers: services before workloads, in the network of the source.
        // In one and the same network that is the service found above, if one was.
        Upstream upstream =
                service != null && source.network().equals(settings.network())
                        ? Upstream.at(
                                service,
                                source,
                                ip,
                                request.targetPort(),
                                Purpose.STANDARD,
                                experience,
                                dice)
                        : Upstream.at(
                                mesh,
                                source,
                                source.network(),
                                ip,
                                request.targetPort(),
                                Purpose.STANDARD,
                                experience,
                                dice);
        if (upstream == null) {
            if (service == null && settings.onDemand()) {
                String key = new NetworkAddress(settings.network(), ip).toString();
                if (!experience.asked().contains(key)) {
                    return new NeedsLookup(key);
                }
            }
            return service != null && !service.service().passesThrough()
                    ? Refused.of(Refusal.NO_HEALTHY_UPSTREAM, request.target())
                    : new Passthrough(ip, request.targetPort());
        }
        if (!upstream.workload().network().equals(source.network())) {
            return service == null
                    ? Refused.of(Refusal.NO_SERVICE_FOR_ADDRESS, request.target())
                    : throughGateway(mesh, request, service.service(), upstream, experience, dice);
        }
        GatewayAddress waypoint = upstream.workload().waypoint();
        if (service == null && waypoint != null && !isFrom(mesh, waypoint, request)) {
            return throughWorkloadWaypoint(mesh, request, waypoint, experience, dice);
        }
        return direct(upstream);
    }

    private OutboundRoute direct(Upstream upstream) {
        Workload workload = upstream.workload();
        Service service = upstream.service() == null ? null : upstream.service().service();
        int port = upstream.port();
        if (workload.protocol() == Protocol.HBONE) {
            return located(
                    upstream,
                    ip ->
                            new Tunnel(
                                    hop(upstream, ip, settings.hbonePort()),
                                    Authority.of(ip, port),
                                    service));
        }
        return located(upstream, ip -> new Plain(hop(upstream, ip, port), service));
    }

    private OutboundRoute throughServiceWaypoint(
            MeshSnapshot mesh,
            OutboundRequest request,
            Service service,
            GatewayAddress reference,
            Experience experience,
            RandomGenerator dice) {
        Upstream waypoint =
                Upstream.at(
                        mesh,
                        request.source(),
                        reference,
                        request.targetIp(),
                        Purpose.WAYPOINT,
                        experience,
                        dice);
        if (waypoint == null) {
            return unknown(mesh, reference, Refusal.UNKNOWN_WAYPOINT, experience);
        }
        if (!waypoint.workload().network().equals(request.source().network())) {
            return throughGateway(mesh, request, service, waypoint, experience, dice);
        }
        return located(
                waypoint,
                ip -> new Tunnel(hop(waypoint, ip, waypoint.port()), request.target(), service));
    }

    private OutboundRoute throughWorkloadWaypoint(
            MeshSnapshot mesh,
            OutboundRequest request,
            GatewayAddress reference,
            Experience experience,
            RandomGenerator dice) {
        Upstream waypoint =
                Upstream.at(
                        mesh,
                        request.source(),
                        reference,
                        request.targetIp(),
                        Purpose.WAYPOINT,
                        experience,
                        dice);
        if (waypoint == null) {
            return unknown(mesh, reference, Refusal.UNKNOWN_WAYPOINT, experience);
        }
        return located(
                waypoint,
                ip -> new Tunnel(hop(waypoint, ip, waypoint.port()), request.target(), null));
    }

    /// A tunnel within a tunnel (docs/spec/dataplane.md 2.2.1).
    ///
    /// @param remote the backend or waypoint on the other network
    private OutboundRoute throughGateway(
            MeshSnapshot mesh,
            OutboundRequest request,
            Service service,
            Upstream remote,
            Experience experience,
            RandomGenerator dice) {
        GatewayAddress reference = remote.workload().networkGateway();
        if (reference == null) {
            return Refused.of(Refusal.NO_VALID_DESTINATION, remote.workload().uid());
        }
        Upstream gateway =
                Upstream.at(
                        mesh,
                        request.source(),
                        reference,
                        request.targetIp(),
                        Purpose.GATEWAY,
                        experience,
                        dice);
        if (gateway == null) {
            return unknown(mesh, reference, Refusal.UNKNOWN_NETWORK_GATEWAY, experience);
        }
        return located(
                gateway,
                ip ->
                        new NestedTunnel(
                                hop(gateway, ip, gateway.port()),
                                remote.serviceIdentities(),
                                new Authority.Host(service.hostname(), request.targetPort()),
                                service));
    }

    /// A waypoint or gateway that leads nowhere: refused, unless the control plane has not been
    /// asked about it.
    private OutboundRoute unknown(
            MeshSnapshot mesh, GatewayAddress reference, Refusal reason, Experience experience) {
        String key = reference.destination().toString();
        return settings.onDemand()
                        && !Upstream.isKnown(mesh, reference)
                        && !experience.asked().contains(key)
                ? new NeedsLookup(key)
                : Refused.of(reason, key);
    }

    /// Goes on with the address of the workload, if need be after its host name was resolved.
    private static OutboundRoute located(
            Upstream upstream, Function<IpAddress, OutboundRoute> next) {
        IpAddress ip = upstream.address();
        if (ip != null) {
            return next.apply(ip);
        }
        Workload workload = upstream.workload();
        return workload.hostname().isEmpty()
                ? Refused.of(Refusal.NO_VALID_DESTINATION, workload.uid())
                : new NeedsDns(workload, upstream.like(), next);
    }

    private static Hop hop(Upstream upstream, IpAddress ip, int port) {
        return new Hop(ip, port, upstream.identities(), upstream.workload());
    }

    /// One of the weighted waypoints, drawn by weight; where there are none that can be drawn, the
    /// single one.
    private static @Nullable GatewayAddress waypointOf(Service service, RandomGenerator dice) {
        List<WeightedWaypoint> weighted = service.weightedWaypoints();
        long sum = 0;
        for (int i = 0; i < weighted.size(); i++) {
            sum += Integer.toUnsignedLong(weighted.get(i).weight());
        }
        if (sum == 0) {
            return service.waypoint();
        }
        long at = dice.nextLong(sum);
        for (int i = 0; i < weighted.size(); i++) {
            at -= Integer.toUnsignedLong(weighted.get(i).weight());
            if (at < 0) {
                return weighted.get(i).destination();
            }
        }
        throw new IllegalStateException("the weights have changed while they were summed");
    }

    /// Whether the connection comes out of the very waypoint it would be sent to.
    private static boolean isFrom(
            MeshSnapshot mesh, GatewayAddress reference, OutboundRequest request) {
        Workload workload;
        ServiceEntry service;
        switch (reference.destination()) {
            case NetworkAddress address -> {
                workload = mesh.workloadByAddress(address.network(), address.ip());
                service =
                        workload != null
                                ? null
                                : mesh.serviceByAddress(address.network(), address.ip(), null);
            }
            case NamespacedHostname hostname -> {
                service = mesh.service(hostname);
                workload = service != null ? null : mesh.workloadByHostname(hostname);
            }
        }
        if (workload != null) {
            return isSource(workload, request);
        }
        if (service == null) {
            return false;
        }
        Workload owner = mesh.workloadByAddress(request.source().network(), request.sourceIp());
        return (service.admits(request.source()) && isSource(request.source(), request))
                || (owner != null && service.admits(owner) && isSource(owner, request));
    }

    private static boolean isSource(Workload workload, OutboundRequest request) {
        Workload source = request.source();
        return workload.owns(request.sourceIp())
                && workload.serviceAccount().equals(source.serviceAccount())
                && workload.namespace().equals(source.namespace())
                && workload.trustDomain().equals(source.trustDomain());
    }
}
