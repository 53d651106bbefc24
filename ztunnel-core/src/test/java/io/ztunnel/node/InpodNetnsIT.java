package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// The scenarios of docs/spec/inpod-and-deployment.md 4.4 by their names there: two nodes, a daemon
/// in in-pod mode on each, both kinds of rules, both families.
@Tag("netns")
@Timeout(120)
@ParameterizedClass(name = "{0}")
@EnumSource(Redirection.Backend.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class InpodNetnsIT {
    /// After those without an order: these change the world for good.
    private static final int LATE = Integer.MAX_VALUE - 10;

    private static final String COMPLETE = "connection complete";
    private static final String SPIFFE = "spiffe://cluster.local/ns/default/sa/";
    private static final int DOUBLER = 8081;
    private static final int MIRROR = 8082;

    @Parameter Redirection.Backend backend;

    private static NodeLab lab;
    private static NodeDaemon near;
    private static NodeDaemon far;
    private static Pod client;
    private static Pod neighbour;
    private static Pod server;
    private static Pod sandwich;
    private static Pod sandwichProxy;
    private static Pod plain;
    private static Pod plainClient;
    private static Pod waypoint;
    private static HbonePeer waypointPeer;
    private static final List<AutoCloseable> applications = new ArrayList<>();
    private static String services;

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
            serve(each, DOUBLER, InpodNetnsIT::doubled);
            serve(each, MIRROR, InpodNetnsIT::mirror);
        }
        describe(gateway);
        lab.mesh(services);
        near.start(self(near), client, neighbour);
        far.start(self(far), server, sandwich, sandwichProxy);
    }

    private static String[] self(NodeDaemon node) {
        return new String[] {
            "POD_NAME=ztunnel-" + node.node().name(),
            "POD_NAMESPACE=default",
            "SERVICE_ACCOUNT=ztunnel-" + node.node().name(),
            "CONNECTION_TERMINATION_DEADLINE=60s"
        };
    }

    private static void serve(Pod pod, int port, Consumer<SocketChannel> program) {
        applications.add(Application.serve(pod.namespace(), port, program));
    }

    private static void describe(Pod gateway) {
        for (NodeDaemon node : List.of(near, far)) {
            String name = "ztunnel-" + node.node().name();
            lab.describe(
                    name,
                    workload(
                            name,
                            node.address().getHostAddress(),
                            "protocol: HBONE\n  node: " + node.node().name()));
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

    private static final String SAN = "subjectAltNames: [\"" + SPIFFE + "echo\"]";

    private static void behind(String name, String ip, String destination) {
        lab.describe(
                name,
                workload(
                        name,
                        ip,
                        "protocol: HBONE\n  waypoint: {destination: \"%s\", hboneMtlsPort: 15008}"
                                .formatted(destination)));
    }

    private static void remote(String name, String gateway) {
        lab.describe(
                name,
                """
                - uid: Kubernetes//Pod/default/%1$s
                  name: %1$s
                  namespace: default
                  serviceAccount: echo
                  workloadIps: []
                  network: %1$s
                  protocol: HBONE
                  services: {}
                  %2$s
                """
                        .formatted(name, gateway));
    }

    private static String workload(String name, String ip, String more) {
        return """
        - uid: Kubernetes//Pod/default/%1$s
          name: %1$s
          namespace: default
          serviceAccount: %1$s
          workloadName: %1$s
          canonicalName: %1$s
          workloadIps: [%2$s]
          services: {}
          %3$s
        """
                .formatted(name, ip, more);
    }

    private static String service(
            String name, String vip, String ports, String more, String... endpoints) {
        StringBuilder text =
                new StringBuilder(
                        """
                        - name: %1$s
                          namespace: default
                          hostname: %1$s.default.svc.cluster.local
                          vips: ["/%2$s"]
                          ports: %3$s
                          %4$s
                          endpoints:
                        """
                                .formatted(name, vip, ports, more));
        for (String endpoint : endpoints) {
            text.append(
                    """
                        "Kubernetes//Pod/default/%1$s:":
                          workloadUid: "Kubernetes//Pod/default/%1$s"
                          port: %2$s
                          status: Healthy
                    """
                            .formatted(endpoint, ports));
        }
        return text.toString();
    }

    @AfterParameterizedClassInvocation
    static void remove() throws Exception {
        MeshLab.closeAll(applications);
        applications.clear();
        lab.close();
    }

    /// Answers eleven bytes with twice as many.
    private static void doubled(SocketChannel connection) {
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

    /// Says who it sees.
    private static void mirror(SocketChannel connection) {
        try (connection) {
            InetSocketAddress peer = (InetSocketAddress) connection.getRemoteAddress();
            connection
                    .socket()
                    .getOutputStream()
                    .write(peer.getAddress().getHostAddress().getBytes(US_ASCII));
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    private static void elevenForTwentyTwo(Pod from, InetAddress to, int port) throws IOException {
        try (Socket socket = Application.connect(from.namespace(), to, port)) {
            socket.getOutputStream().write("hello world".getBytes(US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(22), US_ASCII))
                    .isEqualTo("hello worldhello world");
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    private static String seenBy(Pod from, InetAddress to) throws IOException {
        try (Socket socket = Application.connect(from.namespace(), to, MIRROR)) {
            return new String(socket.getInputStream().readAllBytes(), US_ASCII);
        }
    }

    /// What the first peer behind a waypoint or gateway says, and the echo.
    private static void throughThePeer(Namespace from, String to, int port) throws IOException {
        try (Socket socket = Application.connect(from, InetAddress.ofLiteral(to), port)) {
            socket.getOutputStream().write("hello world".getBytes(US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(20), US_ASCII))
                    .isEqualTo(HbonePeer.FIRST + "hello world");
        }
    }

    /// One connection and what it leaves in counters and lines of one daemon.
    private record Side(NodeDaemon node, String reporter, List<Long> before, int lines) {
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

    private static void captured(Pod from, Pod to, NodeDaemon toNode) throws IOException {
        for (InetAddress address : List.of(to.ipv4(), to.ipv6())) {
            Side source = Side.of(near, "source");
            Side destination = Side.of(toNode, "destination");

            elevenForTwentyTwo(from, address, DOUBLER);

            String identities = "src.identity=\"" + SPIFFE + from.name() + "\"";
            assertThat(source.oneConnection(11, 22))
                    .contains(
                            identities,
                            "dst.identity=\"" + SPIFFE + to.name() + "\"",
                            "src.workload=\"" + from.name() + "\"",
                            "dst.workload=\"" + to.name() + "\"",
                            "bytes_sent=11 bytes_recv=22");
            assertThat(destination.oneConnection(11, 22))
                    .contains(
                            identities,
                            "dst.identity=\"" + SPIFFE + to.name() + "\"",
                            "bytes_sent=22 bytes_recv=11");
        }
    }

    @Test
    void row146_local_captured_inpod() throws Exception {
        captured(client, neighbour, near);
    }

    @Test
    void row148_cross_node_captured_inpod() throws Exception {
        captured(client, server, far);
    }

    @Test
    void row147_server_uncaptured_inpod() throws Exception {
        for (InetAddress address : List.of(plain.ipv4(), plain.ipv6())) {
            Side source = Side.of(near, "source");
            elevenForTwentyTwo(client, address, DOUBLER);
            assertThat(source.oneConnection(11, 22)).doesNotContain("src.identity", "dst.identity");
        }
    }

    /// The case its name means: a client without the mesh, through 15006.
    @Test
    void client_uncaptured_inpod() throws Exception {
        for (InetAddress address : List.of(server.ipv4(), server.ipv6())) {
            Side destination = Side.of(far, "destination");
            elevenForTwentyTwo(plainClient, address, DOUBLER);
            assertThat(destination.oneConnection(11, 22))
                    .contains("bytes_sent=22 bytes_recv=11", "dst.workload=\"server\"")
                    .doesNotContain("src.identity", "dst.identity");
        }
    }

    @Test
    void theApplicationSeesTheClientItself() throws Exception {
        for (Pod from : List.of(client, plainClient)) {
            assertThat(seenBy(from, server.ipv4())).isEqualTo(from.ipv4().getHostAddress());
            assertThat(seenBy(from, server.ipv6())).isEqualTo(from.ipv6().getHostAddress());
        }
        assertThat(seenBy(client, plain.ipv4())).isEqualTo(client.ipv4().getHostAddress());
    }

    @Test
    void everyByteComesBackInBothFamilies() throws Exception {
        for (InetAddress address : List.of(server.ipv4(), server.ipv6())) {
            Conversations talk = new Conversations(client.namespace(), address);
            talk.everyByteComesBackAfterHalfClose(4 << 20);
            talk.manyAtOnce(100);
        }
        new Conversations(plainClient.namespace(), server.ipv4())
                .everyByteComesBackAfterHalfClose(4 << 20);
    }

    private static void waypoint(String to, int port) throws IOException {
        Side source = Side.of(near, "source");
        throughThePeer(client.namespace(), to, port);
        assertThat(source.oneConnection(11, 20))
                .contains(
                        "dst.addr=" + waypoint.ipv4().getHostAddress() + ":15008",
                        "dst.hbone_addr=" + to + ":" + port,
                        "dst.workload=\"waypoint\"",
                        "dst.identity=\"" + SPIFFE + "waypoint\"");
    }

    @Test
    void row150_workload_waypoint() throws Exception {
        waypoint("10.0.3.201", 8080);
    }

    @Test
    void row153_service_waypoint() throws Exception {
        waypoint("10.10.0.6", 80);
    }

    @Test
    void row154_service_waypoint_hostname() throws Exception {
        waypoint("10.0.3.202", 8080);
    }

    @Test
    void row155_service_waypoint_workload_hostname() throws Exception {
        waypoint("10.0.3.203", 8080);
    }

    @Test
    void row151_double_hbone1() throws Exception {
        Side source = Side.of(near, "source");
        throughThePeer(client.namespace(), "10.10.0.2", 8080);
        assertThat(source.oneConnection(11, 20))
                .contains(
                        "dst.hbone_addr=remote.default.svc.cluster.local:8080",
                        "dst.workload=\"echo\"",
                        "dst.identity=\"" + SPIFFE + "echo\"");
    }

    @Test
    void row152_double_hbone2() throws Exception {
        throughThePeer(client.namespace(), "10.10.0.3", 8080);
    }

    @Test
    void row156_sandwich_waypoint_plain() throws Exception {
        try (AutoCloseable _ =
                Application.serve(
                        sandwich.namespace(),
                        15088,
                        Application.forwarding(
                                sandwich.namespace(),
                                new InetSocketAddress(server.ipv4(), DOUBLER)))) {
            elevenForTwentyTwo(client, InetAddress.ofLiteral("10.0.3.204"), 8080);
        }
    }

    @Test
    void row157_sandwich_waypoint_proxy_protocol() throws Exception {
        List<String> announced = new java.util.concurrent.CopyOnWriteArrayList<>();
        try (AutoCloseable _ =
                Application.serve(
                        sandwichProxy.namespace(),
                        15088,
                        connection -> announce(connection, announced))) {
            elevenForTwentyTwo(client, InetAddress.ofLiteral("10.0.3.205"), 8080);
        }
        assertThat(announced)
                .containsExactly(client.ipv4().getHostAddress() + " to 10.0.3.205:8080");
    }

    /// Reads a PROXY header, version 2 over IPv4, keeps what it says, and serves.
    private static void announce(SocketChannel connection, List<String> announced) {
        try {
            byte[] head = connection.socket().getInputStream().readNBytes(16);
            int length = Byte.toUnsignedInt(head[14]) << 8 | Byte.toUnsignedInt(head[15]);
            byte[] rest = connection.socket().getInputStream().readNBytes(length);
            InetAddress from = InetAddress.getByAddress(java.util.Arrays.copyOf(rest, 4));
            InetAddress to = InetAddress.getByAddress(java.util.Arrays.copyOfRange(rest, 4, 8));
            int port = Byte.toUnsignedInt(rest[10]) << 8 | Byte.toUnsignedInt(rest[11]);
            announced.add(from.getHostAddress() + " to " + to.getHostAddress() + ":" + port);
            doubled(connection);
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    @Test
    void row158_service_loadbalancing() throws Exception {
        long nearBefore = intoService(near);
        long farBefore = intoService(far);
        for (int i = 0; i < 50; i++) {
            elevenForTwentyTwo(client, InetAddress.ofLiteral("10.10.0.1"), 80);
        }
        MeshLab.eventually(
                "fifty in all, some on each node",
                () -> {
                    long onNear = intoService(near) - nearBefore;
                    long onFar = intoService(far) - farBefore;
                    return onNear > 0 && onFar > 0 && onNear + onFar == 50;
                });
    }

    /// Connections that a daemon has taken for the balanced service.
    private static long intoService(NodeDaemon node) {
        return node.daemon()
                .get("http://127.0.0.1:15020/metrics")
                .lines()
                .filter(line -> line.startsWith("istio_tcp_connections_opened_total{"))
                .filter(line -> line.contains("reporter=\"destination\""))
                .filter(line -> line.contains("=\"lb.default.svc.cluster.local\""))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @Test
    void passthroughKeepsTheDestination() {
        // Nobody is at a virtual address, and that is where the service wants connections to go.
        assertThatThrownBy(() -> elevenForTwentyTwo(client, InetAddress.ofLiteral("10.10.0.8"), 80))
                .isInstanceOfAny(IOException.class, AssertionError.class);
        MeshLab.eventually(
                "it says where to",
                () ->
                        near.daemon().lines("dst.addr=10.10.0.8:80").stream()
                                .anyMatch(line -> !line.contains("dst.hbone_addr")));
    }

    @Test
    void strictRefusesWhoProvesNothing_permissiveLetsIn() throws Exception {
        lab.mesh(
                services
                        + MeshLab.policy(
                                "strict", "Deny", "[[[{notPrincipals: [!Presence '']}]]]"));
        MeshLab.eventually("refused", () -> !reaches(plainClient, server));
        elevenForTwentyTwo(client, server.ipv4(), DOUBLER);
        lab.mesh(services);
        MeshLab.eventually("let in", () -> reaches(plainClient, server));
    }

    private static boolean reaches(Pod from, Pod to) {
        try {
            elevenForTwentyTwo(from, to.ipv4(), DOUBLER);
            return true;
        } catch (IOException | AssertionError refused) {
            return false;
        }
    }

    @Test
    void row167_test_hbone_metrics_access() {
        String metrics =
                client.namespace()
                        .run(
                                "curl",
                                "-fsS",
                                "--max-time",
                                "20",
                                "http://" + far.address().getHostAddress() + ":15020/metrics");
        assertThat(metrics).contains("# TYPE");
        String ip = far.address().getHostAddress();
        MeshLab.eventually(
                "the inbound line",
                () ->
                        far.daemon().lines("dst.workload=\"ztunnel-node-2\"").stream()
                                .anyMatch(
                                        line ->
                                                line.contains("dst.addr=" + ip + ":15008")
                                                        && line.contains(
                                                                "dst.hbone_addr=" + ip + ":15020")
                                                        && line.contains(
                                                                SPIFFE + "ztunnel-node-2")));
    }

    @Test
    void row166_test_prefetch_forget_certs() {
        String dump = near.dump();
        assertThat(dump).contains(SPIFFE + "client", SPIFFE + "neighbour", SPIFFE + "ztunnel-");
        assertThat(dump).doesNotContain("\"identity\": \"" + SPIFFE + "server\"");
    }

    /// What a malicious call comes to.
    private enum End {
        REFUSED,
        DROPPED,
        HTTP_400
    }

    private static End call(Namespace from, InetAddress to, int port) throws IOException {
        try (Socket socket = Application.connect(from, to, port)) {
            socket.getOutputStream().write("hello world\r\n\r\n".getBytes(US_ASCII));
            byte[] answer = socket.getInputStream().readAllBytes();
            String text = new String(answer, US_ASCII);
            // An alert of TLS says as little as silence.
            assertThat(text.startsWith("HTTP/1.1 400") || answer.length == 0 || answer[0] == 21)
                    .as("%s:%s answered %s", to, port, text)
                    .isTrue();
            return text.startsWith("HTTP/1.1 400") ? End.HTTP_400 : End.DROPPED;
        } catch (ConnectException refused) {
            return End.REFUSED;
        } catch (SocketException reset) {
            return End.DROPPED;
        }
    }

    private static final int[] PORTS = {15001, 15006, 15008, 15080, 15000, 15020, 15021};

    private static List<End> calls(Pod from, InetAddress to) throws IOException {
        List<End> ends = new ArrayList<>();
        for (int port : PORTS) {
            ends.add(call(from.namespace(), to, port));
        }
        return ends;
    }

    private static List<End> ends(String letters) {
        return letters.chars()
                .mapToObj(c -> c == 'C' ? End.REFUSED : c == 'R' ? End.DROPPED : End.HTTP_400)
                .toList();
    }

    @Test
    void malicious_calls_inpod_row168_capturedToTheProxysNode() throws Exception {
        assertThat(calls(client, near.address())).isEqualTo(ends("RRRRRHH"));
    }

    @Test
    void malicious_calls_inpod_row169_capturedToItself() throws Exception {
        assertThat(calls(client, client.ipv4())).isEqualTo(ends("RRRCCCC"));
        assertThat(calls(client, client.ipv6())).isEqualTo(ends("RRRCCCC"));
    }

    @Test
    void malicious_calls_inpod_row170_capturedToLoopback() throws Exception {
        assertThat(calls(client, InetAddress.ofLiteral("127.0.0.1"))).isEqualTo(ends("RRRCCCC"));
        assertThat(calls(client, InetAddress.ofLiteral("::1"))).isEqualTo(ends("RRRCCCC"));
    }

    @Test
    void malicious_calls_inpod_row171_uncapturedToTheProxysNode() throws Exception {
        assertThat(calls(plainClient, near.address())).isEqualTo(ends("CCRCCHH"));
    }

    @Test
    void malicious_calls_inpod_row172_uncapturedToACapturedPod() throws Exception {
        assertThat(calls(plainClient, client.ipv4())).isEqualTo(ends("RRRRRRR"));
        assertThat(calls(plainClient, client.ipv6())).isEqualTo(ends("RRRRRRR"));
    }

    @Test
    @Order(LATE)
    void cniReconnectWithRunningTraffic() throws Exception {
        try (Socket standing =
                Application.connect(client.namespace(), server.ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(standing, "before");
            near.agentLeaves();
            MeshLab.eventually("not ready", () -> !near.daemon().isReady());
            Conversations.roundTrip(standing, "meanwhile");
            elevenForTwentyTwo(client, server.ipv4(), DOUBLER);
            near.agentReturns();
            near.greet(client, neighbour);
            MeshLab.eventually("ready again", () -> near.daemon().isReady());
            Conversations.roundTrip(standing, "after");
        }
        elevenForTwentyTwo(client, server.ipv4(), DOUBLER);
    }

    /// Who no longer appears in a snapshot is no longer served.
    @Test
    @Order(LATE + 1)
    void row160_test_server_shutdown() throws Exception {
        try (Socket standing =
                Application.connect(client.namespace(), server.ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(standing, "before");
            assertThat(far.delete(server)).isEmpty();
            MeshLab.eventually(
                    "after the grace it is cut", () -> !Conversations.stands(standing, "after"));
        }
        // Accepted by the client's own daemon, and then there is nobody: fail closed.
        assertThat(reaches(client, server)).isFalse();
        assertThat(reaches(plainClient, server)).as("plaintext").isFalse();
        assertThat(far.add(server)).isEmpty();
        MeshLab.eventually("served again", () -> reaches(client, server));
    }

    @Test
    @Order(LATE + 2)
    void row159_test_ztunnel_shutdown() throws Exception {
        DaemonProcess old = near.daemon();
        try (Socket standing =
                Application.connect(client.namespace(), server.ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(standing, "before");
            old.process().destroy();
            MeshLab.eventually("it drains", () -> !old.lines("draining").isEmpty());
            Conversations.roundTrip(standing, "meanwhile");
        }
        assertThat(old.process().waitFor(60, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
        assertThat(old.process().exitValue()).isZero();
        assertThatThrownBy(() -> Application.connect(client.namespace(), server.ipv4(), DOUBLER))
                .as("nobody is there: fail closed")
                .isInstanceOf(ConnectException.class);
        near.start(self(near), client, neighbour);
        MeshLab.eventually("served by the next one", () -> reaches(client, server));
    }
}
