package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/// One backend of the mesh: a pod, a VM, an inlined endpoint or the address of a gateway
/// (docs/spec/control-plane.md, message `Workload`). Every text may be empty.
///
/// @param uid the primary key, opaque
/// @param name the pod's name, which also finds the workload of a local pod
/// @param addresses none for a workload that has only a host name or only a gateway
/// @param hostNetwork whether the addresses are shared with the node, so that they name nobody
/// @param waypoint the waypoint of the workload itself, not of its services
/// @param services the services this workload backs, with the ports it maps for each
/// @param authorizationPolicies keys of selector policies, `<namespace>/<name>`
/// @param capacity relative weight in balancing, 0 is never drawn
public record Workload(
        String uid,
        String name,
        String namespace,
        List<IpAddress> addresses,
        String hostname,
        String network,
        Protocol protocol,
        boolean hostNetwork,
        String trustDomain,
        String serviceAccount,
        @Nullable GatewayAddress waypoint,
        @Nullable GatewayAddress networkGateway,
        String node,
        String canonicalName,
        String canonicalRevision,
        String workloadType,
        String workloadName,
        boolean nativeTunnel,
        @Nullable ApplicationTunnel applicationTunnel,
        Map<NamespacedHostname, PortMap> services,
        List<String> authorizationPolicies,
        boolean healthy,
        String clusterId,
        Locality locality,
        int capacity) {

    public SpiffeId identity() {
        return new SpiffeId(trustDomain, namespace, serviceAccount);
    }

    public boolean owns(IpAddress address) {
        return addresses.contains(address);
    }

    /// The same workload behind other services.
    public Workload withServices(Map<NamespacedHostname, PortMap> services) {
        return new Workload(
                uid,
                name,
                namespace,
                addresses,
                hostname,
                network,
                protocol,
                hostNetwork,
                trustDomain,
                serviceAccount,
                waypoint,
                networkGateway,
                node,
                canonicalName,
                canonicalRevision,
                workloadType,
                workloadName,
                nativeTunnel,
                applicationTunnel,
                Map.copyOf(services),
                authorizationPolicies,
                healthy,
                clusterId,
                locality,
                capacity);
    }

    /// Starts a workload with the defaults of the file format (docs/spec/control-plane.md 3).
    public static Builder builder() {
        return new Builder();
    }

    /// A builder, because a workload has more facts than a call can name in order.
    public static final class Builder {
        private String uid = "";
        private String name = "";
        private String namespace = "";
        private List<IpAddress> addresses = List.of();
        private String hostname = "";
        private String network = "";
        private Protocol protocol = Protocol.TCP;
        private boolean hostNetwork;
        private String trustDomain = "";
        private String serviceAccount = "";
        private @Nullable GatewayAddress waypoint;
        private @Nullable GatewayAddress networkGateway;
        private String node = "";
        private String canonicalName = "";
        private String canonicalRevision = "";
        private String workloadType = "";
        private String workloadName = "";
        private boolean nativeTunnel;
        private @Nullable ApplicationTunnel applicationTunnel;
        private Map<NamespacedHostname, PortMap> services = Map.of();
        private List<String> authorizationPolicies = List.of();
        private boolean healthy = true;
        private String clusterId = "";
        private Locality locality = Locality.UNKNOWN;
        private int capacity = 1;

        private Builder() {}

        public Builder uid(String uid) {
            this.uid = uid;
            return this;
        }

        public Builder name(String name) {
            this.name = name;
            return this;
        }

        public Builder namespace(String namespace) {
            this.namespace = namespace;
            return this;
        }

        public Builder addresses(List<IpAddress> addresses) {
            this.addresses = addresses;
            return this;
        }

        public Builder hostname(String hostname) {
            this.hostname = hostname;
            return this;
        }

        public Builder network(String network) {
            this.network = network;
            return this;
        }

        public Builder protocol(Protocol protocol) {
            this.protocol = protocol;
            return this;
        }

        public Builder hostNetwork(boolean hostNetwork) {
            this.hostNetwork = hostNetwork;
            return this;
        }

        public Builder trustDomain(String trustDomain) {
            this.trustDomain = trustDomain;
            return this;
        }

        public Builder serviceAccount(String serviceAccount) {
            this.serviceAccount = serviceAccount;
            return this;
        }

        public Builder waypoint(@Nullable GatewayAddress waypoint) {
            this.waypoint = waypoint;
            return this;
        }

        public Builder networkGateway(@Nullable GatewayAddress networkGateway) {
            this.networkGateway = networkGateway;
            return this;
        }

        public Builder node(String node) {
            this.node = node;
            return this;
        }

        public Builder canonicalName(String canonicalName) {
            this.canonicalName = canonicalName;
            return this;
        }

        public Builder canonicalRevision(String canonicalRevision) {
            this.canonicalRevision = canonicalRevision;
            return this;
        }

        public Builder workloadType(String workloadType) {
            this.workloadType = workloadType;
            return this;
        }

        public Builder workloadName(String workloadName) {
            this.workloadName = workloadName;
            return this;
        }

        public Builder nativeTunnel(boolean nativeTunnel) {
            this.nativeTunnel = nativeTunnel;
            return this;
        }

        public Builder applicationTunnel(@Nullable ApplicationTunnel applicationTunnel) {
            this.applicationTunnel = applicationTunnel;
            return this;
        }

        public Builder services(Map<NamespacedHostname, PortMap> services) {
            this.services = services;
            return this;
        }

        public Builder authorizationPolicies(List<String> authorizationPolicies) {
            this.authorizationPolicies = authorizationPolicies;
            return this;
        }

        public Builder healthy(boolean healthy) {
            this.healthy = healthy;
            return this;
        }

        public Builder clusterId(String clusterId) {
            this.clusterId = clusterId;
            return this;
        }

        public Builder locality(Locality locality) {
            this.locality = locality;
            return this;
        }

        public Builder capacity(int capacity) {
            this.capacity = capacity;
            return this;
        }

        /// Fills in what every source of workloads leaves out where it is usual: the trust domain
        /// `cluster.local`, the service account `default`, the cluster `Kubernetes`
        /// (docs/spec/control-plane.md 2.7).
        public Builder usualDefaults() {
            trustDomain = trustDomain.isEmpty() ? "cluster.local" : trustDomain;
            serviceAccount = serviceAccount.isEmpty() ? "default" : serviceAccount;
            clusterId = clusterId.isEmpty() ? "Kubernetes" : clusterId;
            return this;
        }

        public Workload build() {
            return new Workload(
                    uid,
                    name,
                    namespace,
                    List.copyOf(addresses),
                    hostname,
                    network,
                    protocol,
                    hostNetwork,
                    trustDomain,
                    serviceAccount,
                    waypoint,
                    networkGateway,
                    node,
                    canonicalName,
                    canonicalRevision,
                    workloadType,
                    workloadName,
                    nativeTunnel,
                    applicationTunnel,
                    Map.copyOf(services),
                    List.copyOf(authorizationPolicies),
                    healthy,
                    clusterId,
                    locality,
                    capacity);
        }
    }
}
