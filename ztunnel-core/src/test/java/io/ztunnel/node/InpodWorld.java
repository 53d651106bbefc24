package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Two nodes with a daemon in in-pod mode on each, both kinds of rules, both families; and pods,
/// services, waypoints and a gateway to another network.
@Tag("netns")
@Timeout(120)
@ParameterizedClass(name = "{0}")
@EnumSource(Redirection.Backend.class)
abstract class InpodWorld {
    static final String COMPLETE = "connection complete";
    static final String SPIFFE = "spiffe://cluster.local/ns/default/sa/";
    static final int DOUBLER = 8081;

    @Parameter Redirection.Backend backend;

    static NodeLab lab;
    static NodeDaemon near;
    static NodeDaemon far;
    static Pod client;
    static Pod neighbour;
    static Pod server;
    static Pod sandwich;
    static Pod sandwichProxy;
    static Pod plain;
    static Pod plainClient;
    static Pod waypoint;
    static HbonePeer waypointPeer;
    static final List<AutoCloseable> applications = new ArrayList<>();
    static String services;

    @BeforeParameterizedClassInvocation
    static void build(Redirection.Backend backend, @TempDir Path parent) throws IOException {
        Path folder = Files.createDirectory(parent.resolve(backend.name()));
        lab =
                new NodeLab(
                        folder,
                        backend == Redirection.Backend.NFT
                                ? Redirection.nft()
                                : Redirection.iptables());
        near = lab.node("node-1");
        far = lab.node("node-2");
        client = lab.captured(near, "client");
        neighbour = lab.captured(near, "neighbour");
        plainClient = lab.plain(near, "plain-client");
        server = lab.captured(far, "server");
        sandwich = lab.captured(far, "sandwich");
        sandwichProxy = lab.captured(far, "sandwich-proxy");
        plain = lab.plain(far, "plain");
        waypoint = lab.plain(far, "waypoint");
        Pod gateway = lab.plain(far, "gateway");
        Pod echo = lab.plain(far, "echo");
        waypointPeer = HbonePeer.echo(waypoint, lab.root(), null);
        HbonePeer echoPeer =
                HbonePeer.echo(
                        echo,
                        lab.root(),
                        "k8s.cluster.name=Kubernetes,k8s.namespace.name=default,"
                                + "k8s.pod.name=echo,k8s.deployment.name=echo,service.name=echo");
        HbonePeer gatewayPeer =
                HbonePeer.forwarding(
                        gateway, lab.root(), new InetSocketAddress(echo.ipv4(), 15008));
        applications.addAll(List.of(waypointPeer, echoPeer, gatewayPeer));
        for (Pod each : List.of(neighbour, server, plain)) {
            serve(each, Conversations.ECHO, Application::echo);
            serve(each, DOUBLER, InpodWorld::doubled);
            serve(each, Application.MIRROR, Application::mirror);
        }
        describe(gateway);
        lab.mesh(services);
        near.start(self(near), client, neighbour);
        far.start(self(far), server, sandwich, sandwichProxy);
    }

    static String[] self(NodeDaemon node) {
        return new String[] {
            "POD_NAME=ztunnel-" + node.node().name(),
            "POD_NAMESPACE=default",
            "SERVICE_ACCOUNT=ztunnel-" + node.node().name(),
            "CONNECTION_TERMINATION_DEADLINE=60s"
        };
    }

    static void serve(Pod pod, int port, Consumer<SocketChannel> program) {
        applications.add(Application.serve(pod.namespace(), port, program));
    }

    static void describe(Pod gateway) {
        for (NodeDaemon node : List.of(near, far)) {
            String name = "ztunnel-" + node.node().name();
            lab.describe(
                    name,
                    MeshText.workload(
                            name, node.address().getHostAddress(), "node: " + node.node().name()));
        }
        lab.describe(far, waypoint, "protocol: HBONE\nhostname: waypoint.example.com");
        String ip = waypoint.ipv4().getHostAddress();
        behind("behind-address", "10.0.3.201", "/" + ip);
        behind("behind-service", "10.0.3.202", "default/waypoint.default.svc.cluster.local");
        behind("behind-workload", "10.0.3.203", "default/waypoint.example.com");
        lab.describe(
                far, sandwich, "protocol: HBONE\napplicationTunnel: {protocol: NONE, port: 15088}");
        lab.describe(
                far,
                sandwichProxy,
                "protocol: HBONE\napplicationTunnel: {protocol: PROXY, port: 15088}");
        behind("behind-sandwich", "10.0.3.204", "/" + sandwich.ipv4().getHostAddress());
        behind("behind-proxy", "10.0.3.205", "default/sandwich.default.svc.cluster.local");
        String byAddress =
                "networkGateway: {destination: \"/%s\", hboneMtlsPort: 15008}"
                        .formatted(gateway.ipv4().getHostAddress());
        String byName =
                "networkGateway: {destination: default/gateway.default.svc.cluster.local,"
                        + " hboneMtlsPort: 15009}";
        remote("remote", byAddress);
        remote("remote2", byName);
        services =
                "services:\n"
                        + service("lb", "10.10.0.1", "{80: 8081}", "", "neighbour", "server")
                        + service("remote", "10.10.0.2", "{8080: 8080}", SAN, "remote")
                        + service("remote2", "10.10.0.3", "{8080: 8080}", SAN, "remote2")
                        + service("gateway", "10.10.0.4", "{15009: 15008}", "", "gateway")
                        + service("waypoint", "10.10.0.5", "{15008: 15008}", "", "waypoint")
                        + service(
                                "behind",
                                "10.10.0.6",
                                "{80: 8080}",
                                "waypoint: {destination: \"/%s\", hboneMtlsPort: 15008}"
                                        .formatted(ip),
                                "server")
                        + service("sandwich", "10.10.0.7", "{}", "", "sandwich-proxy")
                        + service(
                                "passthrough",
                                "10.10.0.8",
                                "{80: 8080}",
                                "loadBalancer: {routingPreferences: [], mode: Passthrough,"
                                        + " healthPolicy: OnlyHealthy}",
                                "server");
    }

    static final String SAN = "subjectAltNames: [\"" + SPIFFE + "echo\"]";

    static void behind(String name, String ip, String destination) {
        lab.describe(
                name,
                MeshText.workload(
                        name,
                        ip,
                        "waypoint: {destination: \"%s\", hboneMtlsPort: 15008}"
                                .formatted(destination)));
    }

    static void remote(String name, String gateway) {
        lab.describe(
                name,
                MeshText.workload(name, "", "serviceAccount: echo", "network: " + name, gateway));
    }

    static String service(String name, String vip, String ports, String more, String... endpoints) {
        return MeshText.service(name, vip, ports, more, MeshText.endpoints(ports, endpoints));
    }

    @AfterParameterizedClassInvocation
    static void remove() throws Exception {
        MeshLab.closeAll(applications);
        applications.clear();
        lab.close();
    }

    /// Answers eleven bytes with twice as many.
    static void doubled(SocketChannel connection) {
        try (connection) {
            Socket socket = connection.socket();
            byte[] got = socket.getInputStream().readNBytes(11);
            socket.getOutputStream().write(got);
            socket.getOutputStream().write(got);
            socket.getInputStream().read();
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    static void elevenForTwentyTwo(Pod from, InetAddress to, int port) throws IOException {
        try (Socket socket = Application.connect(from.namespace(), to, port)) {
            socket.getOutputStream().write("hello world".getBytes(US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(22), US_ASCII))
                    .isEqualTo("hello worldhello world");
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    static String seenBy(Pod from, InetAddress to) throws IOException {
        try (Socket socket = Application.connect(from.namespace(), to, Application.MIRROR)) {
            return new String(socket.getInputStream().readAllBytes(), US_ASCII);
        }
    }

    /// What the first peer behind a waypoint or gateway says, and the echo.
    static void throughThePeer(Namespace from, String to, int port) throws IOException {
        try (Socket socket = Application.connect(from, InetAddress.ofLiteral(to), port)) {
            socket.getOutputStream().write("hello world".getBytes(US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(20), US_ASCII))
                    .isEqualTo(HbonePeer.FIRST + "hello world");
        }
    }

    /// One connection and what it leaves in counters and lines of one daemon.
    record Side(NodeDaemon node, String reporter, List<Long> before, int lines) {
        static Side of(NodeDaemon node, String reporter) {
            return new Side(node, reporter, read(node, reporter), lines(node, reporter).size());
        }

        private static List<Long> read(NodeDaemon node, String reporter) {
            String label = "reporter=\"" + reporter + "\"";
            return List.of(
                    node.daemon().metric("istio_tcp_connections_opened_total", label),
                    node.daemon().metric("istio_tcp_connections_closed_total", label),
                    node.daemon().metric("istio_tcp_received_bytes_total", label),
                    node.daemon().metric("istio_tcp_sent_bytes_total", label));
        }

        private static List<String> lines(NodeDaemon node, String reporter) {
            String direction = reporter.equals("source") ? "outbound" : "inbound";
            return node.daemon().lines(COMPLETE).stream()
                    .filter(line -> line.contains("direction=\"" + direction + "\""))
                    .toList();
        }

        /// @return the access line
        String oneConnection(long received, long sent) {
            List<Long> expected =
                    List.of(
                            before.get(0) + 1,
                            before.get(1) + 1,
                            before.get(2) + received,
                            before.get(3) + sent);
            MeshLab.eventually(
                    reporter + " counts " + expected, () -> read(node, reporter).equals(expected));
            MeshLab.eventually("a line", () -> lines(node, reporter).size() > lines);
            return lines(node, reporter).get(lines);
        }
    }

    static void waypoint(String to, int port) throws IOException {
        Side source = Side.of(near, "source");
        throughThePeer(client.namespace(), to, port);
        assertThat(source.oneConnection(11, 20))
                .contains(
                        "dst.addr=" + waypoint.ipv4().getHostAddress() + ":15008",
                        "dst.hbone_addr=" + to + ":" + port,
                        "dst.workload=\"waypoint\"",
                        "dst.identity=\"" + SPIFFE + "waypoint\"");
    }
}
