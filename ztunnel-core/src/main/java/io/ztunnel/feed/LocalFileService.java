package io.ztunnel.feed;

import io.ztunnel.feed.LocalFileNode.Fields;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.LoadBalancer.HealthPolicy;
import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.LoadBalancer.Scope;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Service.IpFamilies;
import io.ztunnel.mesh.WeightedWaypoint;

import java.util.LinkedHashMap;
import java.util.Map;

/// Reads one entry of `services` (docs/spec/control-plane.md 3).
///
/// @param endpoints the ports of workloads that the service lists by itself, by uid
record LocalFileService(Service service, Map<String, PortMap> endpoints) {
    private static final Map<String, Scope> SCOPES =
            Map.of(
                    "Region", Scope.REGION,
                    "Zone", Scope.ZONE,
                    "Subzone", Scope.SUBZONE,
                    "Node", Scope.NODE,
                    "Cluster", Scope.CLUSTER,
                    "Network", Scope.NETWORK);
    private static final Map<String, Mode> MODES =
            Map.of(
                    "Standard", Mode.STANDARD,
                    "Strict", Mode.STRICT,
                    "Failover", Mode.FAILOVER,
                    "Passthrough", Mode.PASSTHROUGH);
    private static final Map<String, HealthPolicy> HEALTH =
            Map.of("OnlyHealthy", HealthPolicy.ONLY_HEALTHY, "AllowAll", HealthPolicy.ALLOW_ALL);
    private static final Map<String, IpFamilies> FAMILIES =
            Map.of("IPv4", IpFamilies.IPV4, "IPv6", IpFamilies.IPV6, "Dual", IpFamilies.DUAL);

    static LocalFileService read(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        Service.Builder service =
                Service.builder()
                        .name(fields.required("name").text())
                        .namespace(fields.required("namespace").text())
                        .hostname(fields.required("hostname").text())
                        .vips(fields.required("vips").list(LocalFileService::address))
                        .ports(LocalFileWorkload.ports(fields.required("ports")))
                        .cidrVips(fields.list("cidrVips", LocalFileService::range))
                        .subjectAltNames(fields.list("subjectAltNames", LocalFileNode::text))
                        .waypoint(fields.orNull("waypoint", LocalFileWorkload::gateway))
                        .weightedWaypoints(
                                fields.list("weightedWaypoints", LocalFileService::weighted))
                        .loadBalancer(fields.orNull("loadBalancer", LocalFileService::balancer))
                        .ipFamilies(fields.orNull("ipFamilies", some -> some.oneOf(FAMILIES)))
                        .canonical(fields.truth("canonical"));
        LocalFileNode visibility = fields.optional("visibility");
        if (visibility != null) {
            switch (visibility.text()) {
                case "Public" -> service.namespaceOnly(false);
                case "Namespace" -> service.namespaceOnly(true);
                default -> throw visibility.problem("expected Public or Namespace");
            }
        }
        Map<String, PortMap> endpoints = new LinkedHashMap<>();
        LocalFileNode listed = fields.optional("endpoints");
        if (listed != null) {
            for (LocalFileNode endpoint : listed.entries().values()) {
                readEndpoint(endpoint, endpoints);
            }
        }
        fields.end();
        return new LocalFileService(service.build(), endpoints);
    }

    /// The health of an endpoint is that of its workload, so `status` is only checked.
    private static void readEndpoint(LocalFileNode node, Map<String, PortMap> endpoints)
            throws LocalFileProblem {
        Fields fields = node.fields();
        String uid = fields.required("workloadUid").text();
        endpoints.put(uid, LocalFileWorkload.ports(fields.required("port")));
        LocalFileNode status = fields.required("status");
        if (!status.text().equals("Healthy") && !status.text().equals("Unhealthy")) {
            throw status.problem("expected Healthy or Unhealthy");
        }
        fields.end();
    }

    private static NetworkAddress address(LocalFileNode node) throws LocalFileProblem {
        String text = node.text();
        int slash = text.indexOf('/');
        IpAddress ip = slash < 0 ? null : IpAddress.parseOrNull(text.substring(slash + 1));
        if (ip == null) {
            throw node.problem("expected <network>/<ip>, not " + text);
        }
        return new NetworkAddress(text.substring(0, slash), ip);
    }

    private static Service.CidrVip range(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        Service.CidrVip range =
                new Service.CidrVip(
                        fields.required("network").text(),
                        fields.required("cidr").parsed(Cidr::parse));
        fields.end();
        return range;
    }

    private static WeightedWaypoint weighted(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        WeightedWaypoint waypoint =
                new WeightedWaypoint(
                        LocalFileWorkload.gateway(fields.required("destination")),
                        (int) fields.required("weight").number(0, 0xffff_ffffL));
        fields.end();
        return waypoint;
    }

    private static LoadBalancer balancer(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        LoadBalancer balancer =
                new LoadBalancer(
                        fields.required("routingPreferences").list(some -> some.oneOf(SCOPES)),
                        fields.required("mode").oneOf(MODES),
                        fields.required("healthPolicy").oneOf(HEALTH));
        fields.end();
        return balancer;
    }
}
