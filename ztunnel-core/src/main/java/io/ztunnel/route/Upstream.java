package io.ztunnel.route;

import io.ztunnel.mesh.Avoided;
import io.ztunnel.mesh.Endpoints;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/// The workload that was chosen for a connection, a waypoint or a gateway, and how it was chosen
/// (docs/spec/dataplane.md 2.3).
///
/// @param port the port on the workload
/// @param service the service it was chosen from, null where it was addressed by itself
/// @param like the address whose owner or family decides which address of the workload is used
record Upstream(Workload workload, int port, @Nullable ServiceEntry service, IpAddress like) {

    /// Whoever is at an address: the best visible service first, then a workload.
    ///
    /// @return null where nobody is, nobody can be chosen, or the service wants to be passed by
    static @Nullable Upstream at(
            MeshSnapshot mesh,
            Workload client,
            String network,
            IpAddress ip,
            int port,
            Endpoints.Purpose purpose,
            Experience experience,
            RandomGenerator dice) {
        ServiceEntry entry = mesh.serviceByAddress(network, ip, client.namespace());
        if (entry != null) {
            return at(entry, client, ip, port, purpose, experience, dice);
        }
        Workload workload = mesh.workloadByAddress(network, ip);
        return workload == null ? null : new Upstream(workload, port, null, ip);
    }

    /// Whoever is behind a service.
    static @Nullable Upstream at(
            ServiceEntry entry,
            Workload client,
            IpAddress ip,
            int port,
            Endpoints.Purpose purpose,
            Experience experience,
            RandomGenerator dice) {
        return entry.service().passesThrough()
                ? null
                : of(entry, client, ip, port, purpose, experience, dice);
    }

    /// Whoever a waypoint or gateway reference means.
    ///
    /// @param target the address of the connection; decides the family where the reference is a
    ///     name
    static @Nullable Upstream at(
            MeshSnapshot mesh,
            Workload client,
            GatewayAddress reference,
            IpAddress target,
            Endpoints.Purpose purpose,
            Experience experience,
            RandomGenerator dice) {
        int port = reference.hboneMtlsPort();
        return switch (reference.destination()) {
            case NetworkAddress address ->
                    at(
                            mesh,
                            client,
                            address.network(),
                            address.ip(),
                            port,
                            purpose,
                            experience,
                            dice);
            case NamespacedHostname hostname -> {
                ServiceEntry entry = mesh.service(hostname);
                if (entry != null) {
                    yield of(entry, client, target, port, purpose, experience, dice);
                }
                Workload workload = mesh.workloadByHostname(hostname);
                yield workload == null ? null : new Upstream(workload, port, null, target);
            }
        };
    }

    /// Whether the mesh holds what a reference means, be it without endpoints.
    static boolean isKnown(MeshSnapshot mesh, GatewayAddress reference) {
        return switch (reference.destination()) {
            case NetworkAddress(var network, var ip) ->
                    mesh.workloadByAddress(network, ip) != null
                            || mesh.serviceByAddress(network, ip, null) != null;
            case NamespacedHostname hostname ->
                    mesh.service(hostname) != null || mesh.workloadByHostname(hostname) != null;
        };
    }

    private static @Nullable Upstream of(
            ServiceEntry entry,
            Workload client,
            IpAddress like,
            int port,
            Endpoints.Purpose purpose,
            Experience experience,
            RandomGenerator dice) {
        Workload workload = draw(entry, client, port, purpose, experience, dice);
        if (workload == null) {
            return null;
        }
        int target = targetPort(entry, workload, port);
        return target < 0 ? null : new Upstream(workload, target, entry, like);
    }

    /// Somebody who failed nobody lately, else somebody who has not failed this connection.
    @SuppressWarnings("ReferenceEquality") // nobody is nobody: the usual case, decided first
    private static @Nullable Workload draw(
            ServiceEntry entry,
            Workload client,
            int port,
            Endpoints.Purpose purpose,
            Experience experience,
            RandomGenerator dice) {
        Endpoints all = entry.endpoints();
        Service service = entry.service();
        Avoided failed = experience.failed();
        Avoided avoided = experience.avoided();
        if (avoided != Avoided.NOBODY) {
            Avoided both =
                    (workload, target) ->
                            failed.contains(workload, target) || avoided.contains(workload, target);
            Workload found = all.drawAround(both, service, client, port, purpose, dice);
            if (found != null) {
                return found;
            }
        }
        return failed == Avoided.NOBODY
                ? all.draw(service, client, port, purpose, dice)
                : all.drawAround(failed, service, client, port, purpose, dice);
    }

    /// The endpoint's own mapping, else the service's, else the service port itself for workloads
    /// whose application tunnel has a port; else -1 (docs/spec/control-plane.md 4.8).
    static int targetPort(ServiceEntry entry, Workload workload, int servicePort) {
        PortMap own = entry.portsOf(workload);
        int target = own.targetOf(servicePort);
        if (target > 0) {
            return target;
        }
        int declared = entry.service().ports().targetOf(servicePort);
        if (declared > 0) {
            return declared;
        }
        return workload.applicationTunnel() != null && workload.applicationTunnel().port() > 0
                ? servicePort
                : -1;
    }

    /// The address of the workload to use: the one that was asked for, else the first of the same
    /// family that the service allows, else the first allowed.
    ///
    /// @return null where it has none that may be used
    @Nullable IpAddress address() {
        if (workload.owns(like)) {
            return like;
        }
        Service.IpFamilies families = service == null ? null : service.service().ipFamilies();
        IpAddress other = null;
        List<IpAddress> addresses = workload.addresses();
        for (int i = 0; i < addresses.size(); i++) {
            IpAddress ip = addresses.get(i);
            if (!allowed(families, ip)) {
                continue;
            }
            if (ip.isV6() == like.isV6()) {
                return ip;
            }
            other = other == null ? ip : other;
        }
        return other;
    }

    private static boolean allowed(Service.@Nullable IpFamilies families, IpAddress ip) {
        return switch (families) {
            case IPV4 -> !ip.isV6();
            case IPV6 -> ip.isV6();
            case DUAL -> true;
            case null -> true;
        };
    }

    /// The identities of the service.
    List<SpiffeId> serviceIdentities() {
        return service == null ? List.of() : service.identities();
    }

    /// The identities of the service and that of the workload.
    List<SpiffeId> identities() {
        List<SpiffeId> ofService = serviceIdentities();
        if (ofService.isEmpty()) {
            return List.of(workload.identity());
        }
        List<SpiffeId> all = new ArrayList<>(ofService.size() + 1);
        all.addAll(ofService);
        SpiffeId own = workload.identity();
        if (!ofService.contains(own)) {
            all.add(own);
        }
        return List.copyOf(all);
    }
}
