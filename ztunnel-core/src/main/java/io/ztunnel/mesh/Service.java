package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// A virtual destination of the mesh (docs/spec/control-plane.md, message `Service`), without its
/// endpoints: those change far more often and are kept by the snapshot.
///
/// @param vips the exact addresses
/// @param cidrVips the address ranges, consulted only where no visible exact address exists
/// @param ports service port to target port; 0 is a named port that only endpoints resolve
/// @param subjectAltNames further identities accepted for endpoints, as text, maybe unparsable
/// @param ipFamilies null where the control plane recorded no restriction
/// @param canonical preferred where no service exists in the client's own namespace
/// @param namespaceOnly whether only clients of the service's namespace may resolve it
public record Service(
        String name,
        String namespace,
        String hostname,
        List<NetworkAddress> vips,
        List<CidrVip> cidrVips,
        PortMap ports,
        List<String> subjectAltNames,
        @Nullable GatewayAddress waypoint,
        List<WeightedWaypoint> weightedWaypoints,
        @Nullable LoadBalancer loadBalancer,
        @Nullable IpFamilies ipFamilies,
        boolean canonical,
        boolean namespaceOnly) {

    /// A range of addresses in one network.
    public record CidrVip(String network, Cidr cidr) {}

    /// Which families of endpoint addresses may be used.
    public enum IpFamilies {
        IPV4,
        IPV6,
        DUAL
    }

    public NamespacedHostname key() {
        return new NamespacedHostname(namespace, hostname);
    }

    public boolean visibleTo(String clientNamespace) {
        return !namespaceOnly || namespace.equals(clientNamespace);
    }

    /// Whether endpoints that are not healthy may be chosen too (`publishNotReadyAddresses`).
    public boolean admitsUnhealthy() {
        return loadBalancer != null
                && loadBalancer.healthPolicy() == LoadBalancer.HealthPolicy.ALLOW_ALL;
    }

    /// Whether connections keep their original destination.
    public boolean passesThrough() {
        return loadBalancer != null && loadBalancer.mode() == LoadBalancer.Mode.PASSTHROUGH;
    }

    /// Starts a service with the defaults of the file format (docs/spec/control-plane.md 3).
    public static Builder builder() {
        return new Builder();
    }

    /// A builder, because a service has more facts than a call can name in order.
    public static final class Builder {
        private String name = "";
        private String namespace = "";
        private String hostname = "";
        private List<NetworkAddress> vips = List.of();
        private List<CidrVip> cidrVips = List.of();
        private PortMap ports = PortMap.EMPTY;
        private List<String> subjectAltNames = List.of();
        private @Nullable GatewayAddress waypoint;
        private List<WeightedWaypoint> weightedWaypoints = List.of();
        private @Nullable LoadBalancer loadBalancer;
        private @Nullable IpFamilies ipFamilies;
        private boolean canonical;
        private boolean namespaceOnly;

        private Builder() {}

        public Builder name(String name) {
            this.name = name;
            return this;
        }

        public Builder namespace(String namespace) {
            this.namespace = namespace;
            return this;
        }

        public Builder hostname(String hostname) {
            this.hostname = hostname;
            return this;
        }

        public Builder vips(List<NetworkAddress> vips) {
            this.vips = vips;
            return this;
        }

        public Builder cidrVips(List<CidrVip> cidrVips) {
            this.cidrVips = cidrVips;
            return this;
        }

        public Builder ports(PortMap ports) {
            this.ports = ports;
            return this;
        }

        public Builder subjectAltNames(List<String> subjectAltNames) {
            this.subjectAltNames = subjectAltNames;
            return this;
        }

        public Builder waypoint(@Nullable GatewayAddress waypoint) {
            this.waypoint = waypoint;
            return this;
        }

        public Builder weightedWaypoints(List<WeightedWaypoint> weightedWaypoints) {
            this.weightedWaypoints = weightedWaypoints;
            return this;
        }

        public Builder loadBalancer(@Nullable LoadBalancer loadBalancer) {
            this.loadBalancer = loadBalancer;
            return this;
        }

        public Builder ipFamilies(@Nullable IpFamilies ipFamilies) {
            this.ipFamilies = ipFamilies;
            return this;
        }

        public Builder canonical(boolean canonical) {
            this.canonical = canonical;
            return this;
        }

        public Builder namespaceOnly(boolean namespaceOnly) {
            this.namespaceOnly = namespaceOnly;
            return this;
        }

        public Service build() {
            return new Service(
                    name,
                    namespace,
                    hostname,
                    List.copyOf(vips),
                    List.copyOf(cidrVips),
                    ports,
                    List.copyOf(subjectAltNames),
                    waypoint,
                    List.copyOf(weightedWaypoints),
                    loadBalancer,
                    ipFamilies,
                    canonical,
                    namespaceOnly);
        }
    }
}
