package io.ztunnel.testkit;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.LoadBalancer.HealthPolicy;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.mesh.Locality;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.WeightedWaypoint;
import io.ztunnel.mesh.Workload;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Describes a mesh in the words of the domain. Everything lives in the namespace `ns` on the
/// default network unless it says otherwise:
///
/// `mesh().workload("client").at("127.0.0.1").service("shop").vip("10.96.0.7").snapshot()`.
public final class MeshKit {
    private final List<Workload> workloads = new ArrayList<>();
    private final List<Service> services = new ArrayList<>();
    private final List<AuthorizationPolicy> policies = new ArrayList<>();

    private MeshKit() {}

    public static MeshKit mesh() {
        return new MeshKit();
    }

    public static IpAddress ip(String literal) {
        return IpAddress.parse(literal);
    }

    /// `<network>/<ip>` or `<namespace>/<hostname>`.
    public static GatewayAddress gateway(String destination, int port) {
        int slash = destination.indexOf('/');
        IpAddress ip = IpAddress.parseOrNull(destination.substring(slash + 1));
        String before = destination.substring(0, slash);
        return new GatewayAddress(
                ip != null
                        ? new NetworkAddress(before, ip)
                        : new NamespacedHostname(before, destination.substring(slash + 1)),
                port);
    }

    public static PortMap ports(int... pairs) {
        Map<Integer, Integer> map = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put(pairs[i], pairs[i + 1]);
        }
        return PortMap.of(map);
    }

    public WorkloadWords workload(String name) {
        return new WorkloadWords(name);
    }

    public ServiceWords service(String hostname) {
        return new ServiceWords(hostname);
    }

    public MeshKit policy(AuthorizationPolicy policy) {
        policies.add(policy);
        return this;
    }

    public MeshSnapshot snapshot() {
        return fill(new MeshDelta(MeshSnapshot.empty(), "")).apply();
    }

    /// Puts all that was described into a delta.
    public MeshDelta fill(MeshDelta delta) {
        workloads.forEach(delta::upsert);
        services.forEach(delta::upsert);
        policies.forEach(policy -> delta.upsert(policy.key(), policy));
        return delta;
    }

    /// The words for what is being described, and those that begin the next thing.
    public abstract class Words {
        /// Adds what was described; every word that begins another thing does so too.
        public abstract void end();

        public WorkloadWords workload(String name) {
            end();
            return MeshKit.this.workload(name);
        }

        public ServiceWords service(String hostname) {
            end();
            return MeshKit.this.service(hostname);
        }

        public MeshKit policy(AuthorizationPolicy policy) {
            end();
            return MeshKit.this.policy(policy);
        }

        public MeshKit and() {
            end();
            return MeshKit.this;
        }

        public MeshSnapshot snapshot() {
            end();
            return MeshKit.this.snapshot();
        }
    }

    public final class WorkloadWords extends Words {
        private final String name;
        private String namespace = "ns";
        private String uid = "";
        private final Map<NamespacedHostname, PortMap> backs = new HashMap<>();
        private final Workload.Builder builder =
                Workload.builder().trustDomain("cluster.local").clusterId("Kubernetes");

        private WorkloadWords(String name) {
            this.name = name;
            builder.serviceAccount(name + "-sa");
        }

        public WorkloadWords in(String namespace) {
            this.namespace = namespace;
            return this;
        }

        public WorkloadWords uid(String uid) {
            this.uid = uid;
            return this;
        }

        public WorkloadWords as(String serviceAccount) {
            builder.serviceAccount(serviceAccount);
            return this;
        }

        public WorkloadWords at(String... addresses) {
            builder.addresses(List.of(addresses).stream().map(MeshKit::ip).toList());
            return this;
        }

        public WorkloadWords named(String hostname) {
            builder.hostname(hostname);
            return this;
        }

        public WorkloadWords hbone() {
            builder.protocol(Protocol.HBONE);
            return this;
        }

        public WorkloadWords hostNetwork() {
            builder.hostNetwork(true);
            return this;
        }

        public WorkloadWords on(String node) {
            builder.node(node);
            return this;
        }

        public WorkloadWords network(String network) {
            builder.network(network);
            return this;
        }

        public WorkloadWords behind(String waypoint) {
            builder.waypoint(gateway(waypoint, 15008));
            return this;
        }

        public WorkloadWords reachedThrough(String gateway, int port) {
            builder.networkGateway(gateway(gateway, port));
            return this;
        }

        public WorkloadWords tunnel(ApplicationTunnel.Kind kind, int port) {
            builder.applicationTunnel(new ApplicationTunnel(kind, port));
            return this;
        }

        public WorkloadWords locality(String region, String zone) {
            builder.locality(new Locality(region, zone, ""));
            return this;
        }

        public WorkloadWords capacity(int capacity) {
            builder.capacity(capacity);
            return this;
        }

        public WorkloadWords unhealthy() {
            builder.healthy(false);
            return this;
        }

        public WorkloadWords lists(String... policies) {
            builder.authorizationPolicies(List.of(policies));
            return this;
        }

        /// @param service a host name of the same namespace
        public WorkloadWords backs(String service, int... ports) {
            backs.put(new NamespacedHostname(namespace, service), ports(ports));
            return this;
        }

        public Workload build() {
            return builder.name(name)
                    .namespace(namespace)
                    .uid(uid.isEmpty() ? "Kubernetes//Pod/" + namespace + "/" + name : uid)
                    .services(backs)
                    .build();
        }

        @Override
        public void end() {
            workloads.add(build());
        }
    }

    public final class ServiceWords extends Words {
        private final List<NetworkAddress> vips = new ArrayList<>();
        private final List<Service.CidrVip> ranges = new ArrayList<>();
        private final List<WeightedWaypoint> weighted = new ArrayList<>();
        private String namespace = "ns";
        private final Service.Builder builder = Service.builder();

        private ServiceWords(String hostname) {
            builder.name(hostname).hostname(hostname).ports(PortMap.of(Map.of(80, 8080)));
        }

        public ServiceWords in(String namespace) {
            this.namespace = namespace;
            return this;
        }

        public ServiceWords vip(String ip) {
            return vip("", ip);
        }

        public ServiceWords vip(String network, String ip) {
            vips.add(new NetworkAddress(network, MeshKit.ip(ip)));
            return this;
        }

        public ServiceWords range(String network, String cidr) {
            ranges.add(new Service.CidrVip(network, Cidr.parse(cidr)));
            return this;
        }

        public ServiceWords ports(int... pairs) {
            builder.ports(MeshKit.ports(pairs));
            return this;
        }

        public ServiceWords accepts(String... identities) {
            builder.subjectAltNames(List.of(identities));
            return this;
        }

        public ServiceWords behind(String waypoint) {
            builder.waypoint(gateway(waypoint, 15008));
            return this;
        }

        public ServiceWords weighted(String waypoint, int weight) {
            weighted.add(new WeightedWaypoint(gateway(waypoint, 15008), weight));
            return this;
        }

        public ServiceWords balanced(Mode mode, Scope... scopes) {
            builder.loadBalancer(
                    new LoadBalancer(List.of(scopes), mode, HealthPolicy.ONLY_HEALTHY));
            return this;
        }

        public ServiceWords publishesNotReady() {
            builder.loadBalancer(
                    new LoadBalancer(List.of(), Mode.STANDARD, HealthPolicy.ALLOW_ALL));
            return this;
        }

        public ServiceWords families(Service.IpFamilies families) {
            builder.ipFamilies(families);
            return this;
        }

        public ServiceWords canonical() {
            builder.canonical(true);
            return this;
        }

        public ServiceWords namespaceOnly() {
            builder.namespaceOnly(true);
            return this;
        }

        public Service build() {
            return builder.namespace(namespace)
                    .vips(vips)
                    .cidrVips(ranges)
                    .weightedWaypoints(weighted)
                    .build();
        }

        @Override
        public void end() {
            services.add(build());
        }
    }
}
