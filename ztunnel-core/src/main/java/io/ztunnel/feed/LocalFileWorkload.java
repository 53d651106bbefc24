package io.ztunnel.feed;

import io.ztunnel.feed.LocalFileNode.Fields;
import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Locality;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.Workload;

import java.util.HashMap;
import java.util.Map;

/// Reads one entry of `workloads` (docs/spec/control-plane.md 3). What is left out gets the
/// defaults that the control plane's workloads get.
final class LocalFileWorkload {
    private static final Map<String, Protocol> PROTOCOLS =
            Map.of("TCP", Protocol.TCP, "HBONE", Protocol.HBONE);
    private static final Map<String, ApplicationTunnel.Kind> TUNNELS =
            Map.of("NONE", ApplicationTunnel.Kind.NONE, "PROXY", ApplicationTunnel.Kind.PROXY);

    private LocalFileWorkload() {}

    static Workload read(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        String namespace = fields.required("namespace").text();
        String name = fields.text("name");
        Workload.Builder workload =
                Workload.builder()
                        .namespace(namespace)
                        .name(name)
                        .addresses(
                                fields.required("workloadIps")
                                        .list(ip -> ip.parsed(IpAddress::parse)))
                        .services(services(fields.required("services")))
                        .serviceAccount(fields.text("serviceAccount"))
                        .trustDomain(fields.text("trustDomain"))
                        .clusterId(fields.text("clusterId"))
                        .usualDefaults()
                        .network(fields.text("network"))
                        .protocol(fields.oneOf("protocol", PROTOCOLS, Protocol.TCP))
                        .hostNetwork(choice(fields, "networkMode", "Standard", "HostNetwork"))
                        .node(fields.text("node"))
                        .hostname(fields.text("hostname"))
                        .waypoint(fields.orNull("waypoint", LocalFileWorkload::gateway))
                        .networkGateway(fields.orNull("networkGateway", LocalFileWorkload::gateway))
                        .nativeTunnel(fields.truth("nativeTunnel"))
                        .applicationTunnel(
                                fields.orNull("applicationTunnel", LocalFileWorkload::tunnel))
                        .authorizationPolicies(
                                fields.list("authorizationPolicies", LocalFileNode::text))
                        .healthy(!choice(fields, "status", "Healthy", "Unhealthy"))
                        .workloadName(fields.text("workloadName"))
                        .workloadType(fields.text("workloadType"))
                        .canonicalName(fields.text("canonicalName"))
                        .canonicalRevision(fields.text("canonicalRevision"));
        LocalFileNode locality = fields.optional("locality");
        if (locality != null) {
            workload.locality(locality(locality));
        }
        LocalFileNode capacity = fields.optional("capacity");
        if (capacity != null) {
            workload.capacity((int) capacity.number(0, 0xffff_ffffL));
        }
        String uid = fields.text("uid");
        fields.end();
        Workload built = workload.build();
        return uid.isEmpty()
                ? workload.uid(built.clusterId() + "//Pod/" + namespace + "/" + name).build()
                : workload.uid(uid).build();
    }

    /// Whether the second of two words is given.
    private static boolean choice(Fields fields, String key, String usual, String other)
            throws LocalFileProblem {
        LocalFileNode value = fields.optional(key);
        if (value == null || value.text().equals(usual)) {
            return false;
        }
        if (value.text().equals(other)) {
            return true;
        }
        throw value.problem("expected " + usual + " or " + other);
    }

    private static Map<NamespacedHostname, PortMap> services(LocalFileNode node)
            throws LocalFileProblem {
        Map<NamespacedHostname, PortMap> services = new HashMap<>();
        for (Map.Entry<String, LocalFileNode> entry : node.entries().entrySet()) {
            services.put(hostname(entry.getKey(), entry.getValue()), ports(entry.getValue()));
        }
        return services;
    }

    static PortMap ports(LocalFileNode node) throws LocalFileProblem {
        Map<Integer, Integer> ports = new HashMap<>();
        for (Map.Entry<String, LocalFileNode> entry : node.entries().entrySet()) {
            int port;
            try {
                port = Integer.parseInt(entry.getKey());
            } catch (NumberFormatException notOne) {
                throw entry.getValue().problem("the key is not a port");
            }
            if (port < 0 || port > 0xffff) {
                throw entry.getValue().problem("the key is not within 0 and 65535");
            }
            ports.put(port, entry.getValue().port());
        }
        return PortMap.of(ports);
    }

    static NamespacedHostname hostname(String text, LocalFileNode place) throws LocalFileProblem {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw place.problem("expected <namespace>/<hostname>, not " + text);
        }
        return new NamespacedHostname(text.substring(0, slash), text.substring(slash + 1));
    }

    static GatewayAddress gateway(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        LocalFileNode destination = fields.required("destination");
        int port = fields.required("hboneMtlsPort").port();
        fields.end();
        String text = destination.text();
        int slash = text.indexOf('/');
        IpAddress ip = slash < 0 ? null : IpAddress.parseOrNull(text.substring(slash + 1));
        return new GatewayAddress(
                ip != null
                        ? new NetworkAddress(text.substring(0, slash), ip)
                        : hostname(text, destination),
                port);
    }

    private static ApplicationTunnel tunnel(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        ApplicationTunnel.Kind kind = fields.required("protocol").oneOf(TUNNELS);
        LocalFileNode port = fields.optional("port");
        fields.end();
        return new ApplicationTunnel(kind, port == null ? 0 : port.port());
    }

    private static Locality locality(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        Locality locality =
                new Locality(
                        fields.required("region").text(),
                        fields.required("zone").text(),
                        fields.required("subzone").text());
        fields.end();
        return locality;
    }
}
