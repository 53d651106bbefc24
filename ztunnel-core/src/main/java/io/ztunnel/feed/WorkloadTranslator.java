package io.ztunnel.feed;

import com.google.protobuf.ByteString;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Locality;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.Workload;
import io.ztunnel.xds.proto.workload.NetworkMode;
import io.ztunnel.xds.proto.workload.PortList;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What a `Workload` message means (docs/spec/control-plane.md 2.7). Pure.
final class WorkloadTranslator {
    private WorkloadTranslator() {}

    /// @param resourceName shares its text with the uid, which is normally the same
    static Workload translate(String resourceName, io.ztunnel.xds.proto.workload.Workload message)
            throws Untranslatable {
        String uid = message.getUid();
        return Workload.builder()
                .uid(uid.equals(resourceName) ? resourceName : uid)
                .name(message.getName())
                .namespace(message.getNamespace())
                .addresses(addresses(message.getAddressesList()))
                .hostname(message.getHostname())
                .network(message.getNetwork())
                .protocol(protocol(message))
                .hostNetwork(hostNetwork(message))
                .trustDomain(orElse(message.getTrustDomain(), "cluster.local"))
                .serviceAccount(orElse(message.getServiceAccount(), "default"))
                .waypoint(
                        message.hasWaypoint()
                                ? Addresses.gateway(message.getWaypoint(), "waypoint")
                                : null)
                .networkGateway(
                        message.hasNetworkGateway()
                                ? Addresses.gateway(message.getNetworkGateway(), "network_gateway")
                                : null)
                .node(message.getNode())
                .canonicalName(message.getCanonicalName())
                .canonicalRevision(message.getCanonicalRevision())
                .workloadType(type(message))
                .workloadName(message.getWorkloadName())
                .nativeTunnel(message.getNativeTunnel())
                .applicationTunnel(tunnel(message))
                .services(services(message.getServicesMap()))
                .authorizationPolicies(message.getAuthorizationPoliciesList())
                .healthy(healthy(message))
                .clusterId(orElse(message.getClusterId(), "Kubernetes"))
                .locality(locality(message))
                .capacity(capacity(message))
                .build();
    }

    private static List<IpAddress> addresses(List<ByteString> sent) throws Untranslatable {
        List<IpAddress> addresses = new ArrayList<>(sent.size());
        for (ByteString bytes : sent) {
            addresses.add(Addresses.ip(bytes, "addresses"));
        }
        return addresses;
    }

    private static Protocol protocol(io.ztunnel.xds.proto.workload.Workload message)
            throws Untranslatable {
        return switch (message.getTunnelProtocol()) {
            case NONE -> Protocol.TCP;
            case HBONE -> Protocol.HBONE;
            // Not spoken here; sending plain text instead would be a silent downgrade.
            case LEGACY_ISTIO_MTLS, UNRECOGNIZED ->
                    throw unknown("tunnel_protocol", message.getTunnelProtocolValue());
        };
    }

    private static boolean hostNetwork(io.ztunnel.xds.proto.workload.Workload message)
            throws Untranslatable {
        if (message.getNetworkMode() == NetworkMode.UNRECOGNIZED) {
            throw unknown("network_mode", message.getNetworkModeValue());
        }
        return message.getNetworkMode() == NetworkMode.HOST_NETWORK;
    }

    private static boolean healthy(io.ztunnel.xds.proto.workload.Workload message)
            throws Untranslatable {
        return switch (message.getStatus()) {
            case HEALTHY -> true;
            case UNHEALTHY -> false;
            case UNRECOGNIZED -> throw unknown("status", message.getStatusValue());
        };
    }

    /// Telemetry only, hence an unknown number is no reason to refuse the workload.
    private static String type(io.ztunnel.xds.proto.workload.Workload message) {
        return switch (message.getWorkloadType()) {
            case DEPLOYMENT, UNRECOGNIZED -> "deployment";
            case CRONJOB -> "cronjob";
            case POD -> "pod";
            case JOB -> "job";
        };
    }

    private static @Nullable ApplicationTunnel tunnel(
            io.ztunnel.xds.proto.workload.Workload message) throws Untranslatable {
        if (!message.hasApplicationTunnel()) {
            return null;
        }
        io.ztunnel.xds.proto.workload.ApplicationTunnel tunnel = message.getApplicationTunnel();
        ApplicationTunnel.Kind kind =
                switch (tunnel.getProtocol()) {
                    case NONE -> ApplicationTunnel.Kind.NONE;
                    case PROXY -> ApplicationTunnel.Kind.PROXY;
                    case UNRECOGNIZED ->
                            throw unknown("application_tunnel.protocol", tunnel.getProtocolValue());
                };
        return new ApplicationTunnel(kind, Addresses.port(tunnel.getPort()));
    }

    private static Map<NamespacedHostname, PortMap> services(Map<String, PortList> sent)
            throws Untranslatable {
        Map<NamespacedHostname, PortMap> services = new HashMap<>();
        for (Map.Entry<String, PortList> entry : sent.entrySet()) {
            int slash = entry.getKey().indexOf('/');
            if (slash < 0) {
                throw new Untranslatable(
                        "services: the key is not <namespace>/<hostname>: " + entry.getKey());
            }
            services.put(
                    new NamespacedHostname(
                            entry.getKey().substring(0, slash),
                            entry.getKey().substring(slash + 1)),
                    Addresses.ports(entry.getValue().getPortsList()));
        }
        return services;
    }

    private static Locality locality(io.ztunnel.xds.proto.workload.Workload message) {
        return message.hasLocality()
                ? new Locality(
                        message.getLocality().getRegion(),
                        message.getLocality().getZone(),
                        message.getLocality().getSubzone())
                : Locality.UNKNOWN;
    }

    /// Absent means 1, while 0 was said on purpose. The sender's type has one bit more than ours.
    private static int capacity(io.ztunnel.xds.proto.workload.Workload message) {
        if (!message.hasCapacity()) {
            return 1;
        }
        int capacity = message.getCapacity().getValue();
        return capacity < 0 ? Integer.MAX_VALUE : capacity;
    }

    private static String orElse(String text, String otherwise) {
        return text.isEmpty() ? otherwise : text;
    }

    private static Untranslatable unknown(String field, int number) {
        return new Untranslatable(field + ": " + number + " is not supported");
    }
}
