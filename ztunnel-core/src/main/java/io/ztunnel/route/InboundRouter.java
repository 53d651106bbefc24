package io.ztunnel.route;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;
import io.ztunnel.route.InboundRoute.Deliver;
import io.ztunnel.route.InboundRoute.Refused;

import org.jspecify.annotations.Nullable;

/// Decides where a CONNECT that arrives at a pod is delivered to (docs/spec/dataplane.md 3.3 and
/// 3.4). A pure function of the snapshot and the request.
public final class InboundRouter {
    private final RouteSettings settings;

    public InboundRouter(RouteSettings settings) {
        this.settings = settings;
    }

    public InboundRoute route(MeshSnapshot mesh, InboundRequest request) {
        Authority authority = Authority.parseOrNull(request.authority());
        return switch (authority) {
            case null -> Refused.of(Refusal.BAD_AUTHORITY, request.authority());
            case Authority.Address address -> toAddress(mesh, request, address);
            case Authority.Host host -> toHost(mesh, request, host);
        };
    }

    /// Whether a plain connection to this port may be passed on (docs/spec/dataplane.md 4).
    public boolean isIllegal(int port) {
        return settings.illegalPorts().contains(port);
    }

    private InboundRoute toAddress(
            MeshSnapshot mesh, InboundRequest request, Authority.Address address) {
        boolean accepted =
                (address.ip().equals(request.destination()) && !address.mapped())
                        || request.local().applicationTunnel() != null
                        || (!address.mapped() && isWaypointOf(mesh, request, address.ip()));
        if (!accepted) {
            return Refused.of(Refusal.IP_MISMATCH, request.destination() + " != " + address.ip());
        }
        return deliver(request, address.port(), address, null);
    }

    private InboundRoute toHost(MeshSnapshot mesh, InboundRequest request, Authority.Host host) {
        Workload local = request.local();
        ServiceEntry service = mesh.serviceByHostname(host.name(), local.namespace());
        if (service == null) {
            return Refused.of(Refusal.UNKNOWN_HOSTNAME, host.name());
        }
        int port = service.portsOf(local).targetOf(host.port());
        if (port <= 0) {
            port = service.service().ports().targetOf(host.port());
        }
        if (port <= 0) {
            return Refused.of(Refusal.PORT_NOT_RESOLVED, host);
        }
        if (!announces(local)) {
            return deliver(request, port, null, service);
        }
        IpAddress vip = vipOf(service);
        if (vip == null && !isIllegal(port)) {
            return Refused.of(Refusal.SERVICE_WITHOUT_ADDRESS, host.name());
        }
        Authority.Address announced = vip == null ? null : new Authority.Address(vip, host.port());
        return deliver(request, port, announced, service);
    }

    private InboundRoute deliver(
            InboundRequest request,
            int port,
            Authority.@Nullable Address announced,
            @Nullable ServiceEntry service) {
        if (isIllegal(port)) {
            return new Refused(Refusal.CALLS_ITSELF, Refusal.CALLS_ITSELF.sentence());
        }
        ApplicationTunnel tunnel = request.local().applicationTunnel();
        int tunnelPort = tunnel == null || tunnel.port() == 0 ? port : tunnel.port();
        boolean announce = announces(request.local());
        return new Deliver(
                request.destination(),
                tunnelPort,
                announce && settings.localhostTunnel(),
                announce ? announced : null,
                service);
    }

    private static boolean announces(Workload local) {
        return local.applicationTunnel() != null
                && local.applicationTunnel().kind() == ApplicationTunnel.Kind.PROXY;
    }

    /// Whether the local workload is the waypoint of whoever owns the address. Only the single
    /// waypoint field counts; neither namespace nor visibility is looked at.
    private boolean isWaypointOf(MeshSnapshot mesh, InboundRequest request, IpAddress ip) {
        Workload workload = mesh.workloadByAddress(settings.network(), ip);
        ServiceEntry service =
                workload != null ? null : mesh.serviceByAddress(settings.network(), ip, null);
        GatewayAddress waypoint =
                workload != null
                        ? workload.waypoint()
                        : service != null ? service.service().waypoint() : null;
        return switch (waypoint == null ? null : waypoint.destination()) {
            case null -> false;
            case NetworkAddress address -> {
                Workload owner = mesh.workloadByAddress(address.network(), address.ip());
                yield owner != null
                        ? owner.owns(request.destination())
                        : lists(
                                mesh.serviceByAddress(address.network(), address.ip(), null),
                                request);
            }
            case NamespacedHostname hostname -> {
                ServiceEntry named = mesh.service(hostname);
                Workload owner = named != null ? null : mesh.workloadByHostname(hostname);
                yield owner != null ? owner.owns(request.destination()) : lists(named, request);
            }
        };
    }

    private static boolean lists(@Nullable ServiceEntry service, InboundRequest request) {
        return service != null && service.admits(request.local());
    }

    /// IPv4 in our network before IPv6 in our network before any other; the last of equals.
    private @Nullable IpAddress vipOf(ServiceEntry service) {
        IpAddress best = null;
        int bestRank = -1;
        for (NetworkAddress vip : service.service().vips()) {
            int rank = !vip.network().equals(settings.network()) ? 0 : vip.ip().isV6() ? 1 : 2;
            if (rank >= bestRank) {
                best = vip.ip();
                bestRank = rank;
            }
        }
        return best;
    }
}
