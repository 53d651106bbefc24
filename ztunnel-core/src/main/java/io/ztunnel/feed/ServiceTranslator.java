package io.ztunnel.feed;

import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.WeightedWaypoint;
import io.ztunnel.xds.proto.workload.LoadBalancing;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/// What a `Service` message means (docs/spec/control-plane.md 2.7). Pure.
final class ServiceTranslator {
    private ServiceTranslator() {}

    static Service translate(io.ztunnel.xds.proto.workload.Service message) throws Untranslatable {
        List<NetworkAddress> vips = new ArrayList<>();
        List<Service.CidrVip> ranges = new ArrayList<>();
        for (io.ztunnel.xds.proto.workload.NetworkAddress address : message.getAddressesList()) {
            // The length is cut to 8 bits before it is judged, as in the reference (2.7).
            int bits = address.getAddress().size() * 8;
            int length = address.hasLength() ? address.getLength() & 0xff : bits;
            if (length == bits) {
                vips.add(
                        new NetworkAddress(
                                address.getNetwork(),
                                Addresses.ip(address.getAddress(), "addresses")));
            } else {
                ranges.add(
                        new Service.CidrVip(
                                address.getNetwork(),
                                Addresses.cidr(address.getAddress(), length, "addresses")));
            }
        }
        return Service.builder()
                .name(message.getName())
                .namespace(message.getNamespace())
                .hostname(message.getHostname())
                .vips(vips)
                .cidrVips(ranges)
                .ports(Addresses.ports(message.getPortsList()))
                .subjectAltNames(message.getSubjectAltNamesList())
                .waypoint(
                        message.hasWaypoint()
                                ? Addresses.gateway(message.getWaypoint(), "waypoint")
                                : null)
                .weightedWaypoints(weighted(message))
                .loadBalancer(balancer(message))
                .ipFamilies(families(message))
                .canonical(message.getCanonical())
                .namespaceOnly(namespaceOnly(message))
                .build();
    }

    private static List<WeightedWaypoint> weighted(io.ztunnel.xds.proto.workload.Service message)
            throws Untranslatable {
        List<WeightedWaypoint> waypoints = new ArrayList<>();
        for (io.ztunnel.xds.proto.workload.WeightedWaypoint each :
                message.getWeightedWaypointsList()) {
            // An absent destination is an empty message, which names no destination either.
            int weight = each.getWeight() < 0 ? Integer.MAX_VALUE : each.getWeight();
            waypoints.add(
                    new WeightedWaypoint(
                            Addresses.gateway(each.getDestination(), "weighted_waypoints"),
                            weight));
        }
        return waypoints;
    }

    private static @Nullable LoadBalancer balancer(io.ztunnel.xds.proto.workload.Service message)
            throws Untranslatable {
        if (!message.hasLoadBalancing()) {
            return null;
        }
        LoadBalancing balancing = message.getLoadBalancing();
        List<LoadBalancer.Scope> scopes = new ArrayList<>();
        for (int i = 0; i < balancing.getRoutingPreferenceCount(); i++) {
            scopes.add(scope(balancing, i));
        }
        LoadBalancer.Mode mode =
                switch (balancing.getMode()) {
                    case UNSPECIFIED_MODE -> LoadBalancer.Mode.STANDARD;
                    case STRICT -> LoadBalancer.Mode.STRICT;
                    case FAILOVER -> LoadBalancer.Mode.FAILOVER;
                    case PASSTHROUGH -> LoadBalancer.Mode.PASSTHROUGH;
                    case UNRECOGNIZED ->
                            throw unknown("load_balancing.mode", balancing.getModeValue());
                };
        LoadBalancer.HealthPolicy health =
                switch (balancing.getHealthPolicy()) {
                    case ONLY_HEALTHY -> LoadBalancer.HealthPolicy.ONLY_HEALTHY;
                    case ALLOW_ALL -> LoadBalancer.HealthPolicy.ALLOW_ALL;
                    case UNRECOGNIZED ->
                            throw unknown(
                                    "load_balancing.health_policy",
                                    balancing.getHealthPolicyValue());
                };
        return new LoadBalancer(List.copyOf(scopes), mode, health);
    }

    private static LoadBalancer.Scope scope(LoadBalancing balancing, int index)
            throws Untranslatable {
        return switch (balancing.getRoutingPreference(index)) {
            case REGION -> LoadBalancer.Scope.REGION;
            case ZONE -> LoadBalancer.Scope.ZONE;
            case SUBZONE -> LoadBalancer.Scope.SUBZONE;
            case NODE -> LoadBalancer.Scope.NODE;
            case CLUSTER -> LoadBalancer.Scope.CLUSTER;
            case NETWORK -> LoadBalancer.Scope.NETWORK;
            case UNSPECIFIED_SCOPE, UNRECOGNIZED ->
                    throw unknown(
                            "load_balancing.routing_preference",
                            balancing.getRoutingPreferenceValue(index));
        };
    }

    private static Service.@Nullable IpFamilies families(
            io.ztunnel.xds.proto.workload.Service message) throws Untranslatable {
        return switch (message.getIpFamilies()) {
            case AUTOMATIC -> null;
            case IPV4_ONLY -> Service.IpFamilies.IPV4;
            case IPV6_ONLY -> Service.IpFamilies.IPV6;
            case DUAL -> Service.IpFamilies.DUAL;
            case UNRECOGNIZED -> throw unknown("ip_families", message.getIpFamiliesValue());
        };
    }

    /// The one unknown number that means the wider choice, as in the reference: visibility decides
    /// who may resolve a name, not who may connect.
    private static boolean namespaceOnly(io.ztunnel.xds.proto.workload.Service message) {
        return message.getVisibility()
                == io.ztunnel.xds.proto.workload.Service.Visibility.NAMESPACE;
    }

    private static Untranslatable unknown(String field, int number) {
        return new Untranslatable(field + ": " + number + " is not supported");
    }
}
