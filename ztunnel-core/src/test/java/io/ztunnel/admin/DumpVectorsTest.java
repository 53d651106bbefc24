package io.ztunnel.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.Endpoint;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.GatewayDestination;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.Locality;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.StringMatch;
import io.ztunnel.mesh.WeightedWaypoint;
import io.ztunnel.mesh.Workload;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/// Each record of each dump recorded from the reference, read into our facts, must be written back
/// character for character: values, key order, indentation.
class DumpVectorsTest {
    private static final Path VECTORS = Path.of("../ztunnel-xds/src/test/resources/vectors");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @Test
    void workloadsServicesAndPoliciesAreWrittenAsTheReferenceDoes() throws IOException {
        int compared = 0;
        List<Path> files;
        try (Stream<Path> all = Files.walk(VECTORS)) {
            files = all.filter(file -> file.getParent().endsWith("state")).toList();
        }
        for (Path file : files) {
            JsonNode dump = MAPPER.readTree(file.toFile());
            for (JsonNode node : dump.path("workloads")) {
                sortServices(node);
                same(file, node, json -> WorkloadJson.write(json, workload(node)));
                compared++;
            }
            for (JsonNode node : dump.path("services")) {
                List<Endpoint> endpoints = list(node.path("endpoints"), DumpVectorsTest::endpoint);
                same(file, node, json -> ServiceJson.write(json, service(node), endpoints));
                compared++;
            }
            for (JsonNode node : dump.path("policies")) {
                same(file, node, json -> PolicyJson.write(json, policy(node)));
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(200);
    }

    /// A set without an order there; ours is alphabetical, so that two dumps can be compared.
    private static void sortServices(JsonNode workload) {
        if (workload.get("services") instanceof ArrayNode services) {
            List<String> sorted = list(services, JsonNode::asText);
            sorted.sort(null);
            services.removeAll();
            sorted.forEach(services::add);
        }
    }

    private interface Written {
        void to(JsonGenerator json) throws IOException;
    }

    private static void same(Path file, JsonNode expected, Written written) {
        assertThat(text(written))
                .as(file.toString())
                .isEqualTo(text(json -> json.writeTree(expected)));
    }

    private static String text(Written written) {
        StringWriter out = new StringWriter();
        try (JsonGenerator json = new JsonFactory(MAPPER).createGenerator(out)) {
            json.setPrettyPrinter(ConfigDump.printer());
            written.to(json);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        return out.toString();
    }

    private static Workload workload(JsonNode n) {
        Map<NamespacedHostname, PortMap> services = new HashMap<>();
        n.path("services")
                .forEach(
                        key ->
                                services.put(
                                        (NamespacedHostname) destination(key.asText()),
                                        PortMap.EMPTY));
        JsonNode tunnel = n.get("applicationTunnel");
        JsonNode locality = n.path("locality");
        return Workload.builder()
                .uid(n.path("uid").asText())
                .name(n.path("name").asText())
                .namespace(n.path("namespace").asText())
                .addresses(list(n.path("workloadIps"), ip -> IpAddress.parse(ip.asText())))
                .hostname(n.path("hostname").asText())
                .network(n.path("network").asText())
                .protocol(Protocol.valueOf(n.path("protocol").asText()))
                .hostNetwork(n.path("networkMode").asText().equals("HostNetwork"))
                .trustDomain(n.path("trustDomain").asText())
                .serviceAccount(n.path("serviceAccount").asText())
                .waypoint(gateway(n.get("waypoint")))
                .networkGateway(gateway(n.get("networkGateway")))
                .node(n.path("node").asText())
                .canonicalName(n.path("canonicalName").asText())
                .canonicalRevision(n.path("canonicalRevision").asText())
                .workloadType(n.path("workloadType").asText())
                .workloadName(n.path("workloadName").asText())
                .nativeTunnel(n.path("nativeTunnel").asBoolean())
                .applicationTunnel(
                        tunnel == null
                                ? null
                                : new ApplicationTunnel(
                                        ApplicationTunnel.Kind.valueOf(
                                                tunnel.path("protocol").asText()),
                                        tunnel.path("port").asInt()))
                .services(services)
                .authorizationPolicies(list(n.path("authorizationPolicies"), JsonNode::asText))
                .healthy(n.path("status").asText().equals("Healthy"))
                .clusterId(n.path("clusterId").asText())
                .locality(
                        new Locality(
                                locality.path("region").asText(),
                                locality.path("zone").asText(),
                                locality.path("subzone").asText()))
                .capacity(n.path("capacity").asInt())
                .build();
    }

    private static Service service(JsonNode n) {
        JsonNode balancer = n.get("loadBalancer");
        JsonNode families = n.get("ipFamilies");
        return Service.builder()
                .name(n.path("name").asText())
                .namespace(n.path("namespace").asText())
                .hostname(n.path("hostname").asText())
                .vips(list(n.path("vips"), vip -> (NetworkAddress) destination(vip.asText())))
                .cidrVips(
                        list(
                                n.path("cidrVips"),
                                vip ->
                                        new Service.CidrVip(
                                                vip.path("network").asText(),
                                                Cidr.parse(vip.path("cidr").asText()))))
                .ports(ports(n.path("ports")))
                .subjectAltNames(list(n.path("subjectAltNames"), JsonNode::asText))
                .waypoint(gateway(n.get("waypoint")))
                .weightedWaypoints(
                        list(
                                n.path("weightedWaypoints"),
                                each ->
                                        new WeightedWaypoint(
                                                gateway(each.get("destination")),
                                                each.path("weight").asInt())))
                .loadBalancer(
                        balancer == null
                                ? null
                                : new LoadBalancer(
                                        list(
                                                balancer.path("routingPreferences"),
                                                each -> LoadBalancer.Scope.valueOf(upper(each))),
                                        LoadBalancer.Mode.valueOf(upper(balancer.path("mode"))),
                                        balancer.path("healthPolicy").asText().equals("AllowAll")
                                                ? LoadBalancer.HealthPolicy.ALLOW_ALL
                                                : LoadBalancer.HealthPolicy.ONLY_HEALTHY))
                .ipFamilies(families == null ? null : Service.IpFamilies.valueOf(upper(families)))
                .canonical(n.path("canonical").asBoolean())
                .namespaceOnly(n.path("visibility").asText().equals("Namespace"))
                .build();
    }

    private static AuthorizationPolicy policy(JsonNode n) {
        String scope = n.path("scope").asText();
        return new AuthorizationPolicy(
                n.path("name").asText(),
                n.path("namespace").asText(),
                scope.equals("WorkloadSelector")
                        ? AuthorizationPolicy.Scope.WORKLOAD_SELECTOR
                        : AuthorizationPolicy.Scope.valueOf(scope.toUpperCase(Locale.ROOT)),
                AuthorizationPolicy.Action.valueOf(upper(n.path("action"))),
                n.path("dryRun").asBoolean(),
                list(
                        n.path("rules"),
                        rule ->
                                new AuthorizationPolicy.Rule(
                                        list(
                                                rule,
                                                clause ->
                                                        new AuthorizationPolicy.Clause(
                                                                list(
                                                                        clause,
                                                                        DumpVectorsTest
                                                                                ::match))))));
    }

    private static AuthorizationPolicy.Match match(JsonNode n) {
        return new AuthorizationPolicy.Match(
                list(n.path("namespaces"), DumpVectorsTest::string),
                list(n.path("notNamespaces"), DumpVectorsTest::string),
                list(n.path("serviceAccounts"), DumpVectorsTest::account),
                list(n.path("notServiceAccounts"), DumpVectorsTest::account),
                list(n.path("principals"), DumpVectorsTest::string),
                list(n.path("notPrincipals"), DumpVectorsTest::string),
                list(n.path("sourceIps"), ip -> Cidr.parse(ip.asText())),
                list(n.path("notSourceIps"), ip -> Cidr.parse(ip.asText())),
                list(n.path("destinationIps"), ip -> Cidr.parse(ip.asText())),
                list(n.path("notDestinationIps"), ip -> Cidr.parse(ip.asText())),
                list(n.path("destinationPorts"), JsonNode::asInt),
                list(n.path("notDestinationPorts"), JsonNode::asInt));
    }

    private static StringMatch string(JsonNode n) {
        String kind = n.fieldNames().next();
        String text = n.get(kind).asText();
        return switch (kind) {
            case "Exact" -> new StringMatch.Exact(text);
            case "Prefix" -> new StringMatch.Prefix(text);
            case "Suffix" -> new StringMatch.Suffix(text);
            default -> new StringMatch.Presence();
        };
    }

    private static AuthorizationPolicy.ServiceAccount account(JsonNode n) {
        return new AuthorizationPolicy.ServiceAccount(
                n.path("namespace").asText(), n.path("serviceAccount").asText());
    }

    private static Endpoint endpoint(JsonNode n) {
        return new Endpoint(
                n.path("workloadUid").asText(),
                ports(n.path("port")),
                n.path("status").asText().equals("Healthy"));
    }

    private static PortMap ports(JsonNode n) {
        Map<Integer, Integer> ports = new HashMap<>();
        n.properties()
                .forEach(
                        each -> ports.put(Integer.valueOf(each.getKey()), each.getValue().asInt()));
        return PortMap.of(ports);
    }

    private static GatewayAddress gateway(JsonNode n) {
        return n == null
                ? null
                : new GatewayAddress(
                        destination(n.path("destination").asText()),
                        n.path("hboneMtlsPort").asInt());
    }

    private static GatewayDestination destination(String text) {
        int slash = text.indexOf('/');
        String rest = text.substring(slash + 1);
        IpAddress ip = IpAddress.parseOrNull(rest);
        return ip == null
                ? new NamespacedHostname(text.substring(0, slash), rest)
                : new NetworkAddress(text.substring(0, slash), ip);
    }

    private static String upper(JsonNode n) {
        return n.asText().toUpperCase(Locale.ROOT);
    }

    private static <T> List<T> list(JsonNode array, Function<JsonNode, T> reader) {
        List<T> all = new ArrayList<>();
        array.forEach(each -> all.add(reader.apply(each)));
        return all;
    }
}
