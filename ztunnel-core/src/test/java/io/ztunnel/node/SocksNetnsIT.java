package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The SOCKS5 listener of a whole daemon, with curl and by hand (docs/spec/dataplane.md 10 and
/// 13.10).
@Tag("netns")
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SocksNetnsIT {
    /// After those without an order: these end a daemon.
    private static final int LATE = Integer.MAX_VALUE - 10;

    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    private static final int SOCKS = 15080;
    private static final int WEB = 8090;
    private static final String VIP = "10.96.0.1";
    private static final String HOST = "local-vip.default.svc.cluster.local";
    private static final String[] WITH_NAMES = {
        "UNSTABLE_ENABLE_SOCKS5=true", "ISTIO_META_DNS_CAPTURE=true", "NODE_NAME=local"
    };

    @TempDir static Path folder;

    private static MeshLab lab;
    private static Pod client;
    private static Pod plain;
    private static DaemonProcess daemon;
    private static final List<AutoCloseable> applications = new java.util.ArrayList<>();

    @BeforeAll
    static void build() {
        lab = new MeshLab(folder, Redirection.nft());
        client = lab.client();
        plain = lab.outsider();
        for (Pod each : List.of(lab.server(), plain, client)) {
            applications.add(serve(each, Conversations.ECHO, Application::echo));
            applications.add(serve(each, WEB, Application::page));
        }
        mesh("local");
        lab.daemon(lab.server(), DaemonProcess.ours());
        daemon = lab.daemon(client, DaemonProcess.ours(), WITH_NAMES);
    }

    private static ServerSocketChannel serve(
            Pod pod, int port, java.util.function.Consumer<java.nio.channels.SocketChannel> what) {
        return Application.serve(pod.namespace(), port, what);
    }

    @AfterAll
    static void remove() throws Exception {
        lab.close();
        MeshLab.closeAll(applications);
    }

    /// The pods, a plain workload, one that has only a host name, and services of both.
    private static void mesh(String node) {
        lab.home(client, "local");
        lab.home(lab.server(), node);
        lab.mesh(
                """
                - uid: Kubernetes//Pod/default/plain
                  name: plain
                  namespace: default
                  serviceAccount: plain
                  workloadIps: ["%1$s"]
                  protocol: TCP
                  node: "%3$s"
                  services: {}
                - uid: Kubernetes//Pod/default/named
                  name: named
                  namespace: default
                  serviceAccount: named
                  workloadIps: []
                  hostname: localhost
                  protocol: TCP
                  node: "%3$s"
                  services: {}
                services:
                - name: local-vip
                  namespace: default
                  hostname: local-vip.default.svc.cluster.local
                  vips: ["/%2$s"]
                  ports: {80: 8090, 81: 8080}
                  endpoints:
                    "Kubernetes//Pod/default/server:":
                      workloadUid: "Kubernetes//Pod/default/server"
                      port: {80: 8090, 81: 8080}
                      status: Healthy
                - name: named
                  namespace: default
                  hostname: named.default.svc.cluster.local
                  vips: ["/10.96.0.2"]
                  ports: {80: 8090}
                  endpoints:
                    "Kubernetes//Pod/default/named:":
                      workloadUid: "Kubernetes//Pod/default/named"
                      port: {80: 8090}
                      status: Healthy
                """
                        .formatted(plain.ipv4().getHostAddress(), VIP, node));
    }

    private static String curl(String option, String url) {
        return client.namespace()
                .tryRun("curl", "-sS", "--max-time", "20", option, "127.0.0.1:" + SOCKS, url)
                .output();
    }

    private static Socket open() throws IOException {
        return Application.connect(client.namespace(), LOOPBACK, SOCKS);
    }

    private static void say(Socket socket, String hex) throws IOException {
        socket.getOutputStream().write(HexFormat.of().parseHex(hex));
    }

    private static String hear(Socket socket, int bytes) throws IOException {
        return HexFormat.of().formatHex(socket.getInputStream().readNBytes(bytes));
    }

    private static String request(InetAddress address, int port) {
        byte[] ip = address.getAddress();
        return "050100"
                + (ip.length == 4 ? "01" : "04")
                + HexFormat.of().formatHex(ip)
                + HexFormat.of().toHexDigits((short) port);
    }

    /// A socket that has been told that all is well.
    private static Socket connected(InetAddress address, int port) throws IOException {
        Socket socket = open();
        say(socket, "050100");
        assertThat(hear(socket, 2)).isEqualTo("0500");
        say(socket, request(address, port));
        assertThat(hear(socket, 10)).isEqualTo("05000001000000000000");
        return socket;
    }

    @ParameterizedTest
    @CsvSource({
        "HBONE workload, local", "TCP workload, local", "VIP, local",
        "HBONE workload, ''", "TCP workload, ''", "VIP, ''"
    })
    void row140_aRoundTripToEachKindOfDestination(String kind, String node) {
        mesh(node);
        String to =
                switch (kind) {
                    case "HBONE workload" -> lab.server().ipv4().getHostAddress() + ":" + WEB;
                    case "TCP workload" -> plain.ipv4().getHostAddress() + ":" + WEB;
                    default -> VIP + ":80";
                };
        MeshLab.eventually(
                "an answer from " + to,
                () -> curl("--socks5", "http://" + to + "/").equals("hello\n"));
    }

    @Test
    void row140_overIpv6() {
        String to = "[" + lab.server().ipv6().getHostAddress() + "]:" + WEB;
        assertThat(curl("--socks5", "http://" + to + "/")).isEqualTo("hello\n");
    }

    @Test
    void row141_aHostNameOfTheMesh() {
        assertThat(curl("--socks5-hostname", "http://" + HOST + ":80/")).isEqualTo("hello\n");
        assertThat(curl("--socks5-hostname", "http://" + HOST + ".:80/")).isEqualTo("hello\n");
    }

    @Test
    void row141_aHostNameOfTheResolver() {
        // The pod's own server, as the resolver knows it.
        assertThat(curl("--socks5-hostname", "http://localhost:" + WEB + "/")).isEqualTo("hello\n");
    }

    @Test
    void row141_aHostNameThatNobodyKnowsIsUnreachable() throws Exception {
        try (Socket socket = open()) {
            say(socket, "050100");
            hear(socket, 2);
            say(socket, "0501000307" + "6e6f2e7375" + "6368" + "0050");
            assertThat(hear(socket, 10)).isEqualTo("05040001000000000000");
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void row142_aWorkloadThatHasOnlyAHostNameIsLookedUpForEachConnection() {
        long before = daemon.metric("istio_on_demand_dns_total", "");
        for (int i = 0; i < 2; i++) {
            assertThat(curl("--socks5", "http://10.96.0.2:80/")).isEqualTo("hello\n");
        }
        MeshLab.eventually(
                "two lookups", () -> daemon.metric("istio_on_demand_dns_total", "") - before == 2);
    }

    @Test
    @Order(1)
    void row145_onlyStableMetricsDoNotCallThemselvesUnstable() {
        List<String> stable =
                daemon.get("http://127.0.0.1:15020/metrics")
                        .lines()
                        .filter(line -> line.startsWith("# HELP ") && !line.contains("unstable"))
                        .map(line -> line.split(" ")[2])
                        .toList();
        assertThat(stable)
                .isNotEmpty()
                .allMatch(
                        name ->
                                name.equals("istio_build")
                                        || name.startsWith("process_")
                                        || List.of(
                                                        "istio_tcp_connections_opened",
                                                        "istio_tcp_connections_closed",
                                                        "istio_tcp_received_bytes",
                                                        "istio_tcp_sent_bytes")
                                                .contains(name));
    }

    @Test
    @Order(2)
    void row143_row144_oneConnectionIsCountedWithItsBytes() throws Exception {
        String source = "reporter=\"source\"";
        try (Socket socket = connected(lab.server().ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(socket, "hello world");
            MeshLab.eventually(
                    "opened and counted",
                    () -> daemon.metric("istio_tcp_connections_opened_total", source) == 1);
            assertThat(daemon.metric("istio_tcp_connections_closed_total", source)).isZero();
            assertThat(daemon.metric("istio_tcp_sockets_open", source)).isEqualTo(1);
        }
        MeshLab.eventually(
                "closed", () -> daemon.metric("istio_tcp_connections_closed_total", source) == 1);
        assertThat(daemon.metric("istio_tcp_received_bytes_total", source)).isEqualTo(11);
        assertThat(daemon.metric("istio_tcp_sent_bytes_total", source)).isEqualTo(11);
        MeshLab.eventually(
                "no socket is open", () -> daemon.metric("istio_tcp_sockets_open", source) == 0);
        assertThat(daemon.lines("connection complete").getLast())
                .contains("direction=\"outbound\"", "src.addr=127.0.0.1:", "bytes_sent=11");
    }

    @Test
    void bytesThatFollowTheRequestAtOnceReachTheServerAlsoByteByByte() throws Exception {
        String said = "050100" + request(lab.server().ipv4(), Conversations.ECHO);
        byte[] all = HexFormat.of().parseHex(said + HexFormat.of().formatHex(bytes("at once")));
        for (int piece : new int[] {all.length, 1, 7}) {
            try (Socket socket = open()) {
                for (int at = 0; at < all.length; at += piece) {
                    socket.getOutputStream().write(all, at, Math.min(piece, all.length - at));
                }
                socket.shutdownOutput();
                assertThat(hear(socket, 12)).isEqualTo("0500" + "05000001000000000000");
                assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
                        .isEqualTo("at once");
            }
        }
    }

    /// The same where an answer of the resolver comes between.
    @Test
    void bytesThatFollowAHostNameAtOnceReachTheServer() throws Exception {
        String name = HexFormat.of().formatHex(bytes("localhost"));
        String port = HexFormat.of().toHexDigits((short) Conversations.ECHO);
        try (Socket socket = open()) {
            say(socket, "0501000501000309" + name + port);
            socket.getOutputStream().write(bytes("at once"));
            socket.shutdownOutput();
            assertThat(hear(socket, 12)).isEqualTo("0500" + "05000001000000000000");
            assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
                    .isEqualTo("at once");
        }
    }

    @Test
    void manyBytesComeBackAsTheyWent() throws Exception {
        byte[] sent = Application.bytes(4 << 20);
        try (Socket socket = connected(lab.server().ipv4(), Conversations.ECHO)) {
            Thread writer =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            socket.getOutputStream().write(sent);
                                            socket.shutdownOutput();
                                        } catch (IOException broken) {
                                            // The reader says what is missing.
                                        }
                                    });
            assertThat(socket.getInputStream().readAllBytes()).isEqualTo(sent);
            writer.join();
        }
    }

    @Test
    void afterTheAnswerAFailureIsOnlyAnEnd() throws Exception {
        try (Socket socket = connected(lab.server().ipv4(), 9)) {
            assertThat(ended(socket)).isTrue();
        }
        try (Socket socket = connected(LOOPBACK, 15001)) {
            assertThat(ended(socket)).isTrue();
        }
        MeshLab.eventually(
                "it says why",
                () ->
                        daemon.lines("attempted recursive call to ourselves").stream()
                                .anyMatch(line -> line.contains("dst.addr=127.0.0.1:15001")));
    }

    private static boolean ended(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketException reset) {
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "04", // SOCKS4
                "474554202f", // HTTP
                "160301", // TLS
                "0500", // no method
                "050102", // with a password only
                "0501000502000100000000", // BIND
                "05010005030001", // UDP ASSOCIATE
                "05010005010002", // an address of an unknown kind
                "0501000501000300" // an empty name
            })
    void whatIsNotUnderstoodIsRefusedWithSeven(String said) throws Exception {
        try (Socket socket = open()) {
            say(socket, said);
            String heard = HexFormat.of().formatHex(socket.getInputStream().readAllBytes());
            assertThat(heard).endsWith("05070001000000000000");
        }
        answers();
    }

    @Test
    void whoeverLeavesHalfWayIsAnsweredWithOne() throws Exception {
        for (String said : List.of("", "05", "0501", "050100", "05010005010001")) {
            try (Socket socket = open()) {
                say(socket, said);
                socket.shutdownOutput();
                assertThat(HexFormat.of().formatHex(socket.getInputStream().readAllBytes()))
                        .endsWith("05010001000000000000");
            }
        }
    }

    @Test
    void whoeverSaysNothingIsShownOutAndDisturbsNobody() throws Exception {
        try (Socket silent = open();
                Socket half = open()) {
            say(half, "0501");
            answers();
            for (Socket each : List.of(silent, half)) {
                assertThat(HexFormat.of().formatHex(each.getInputStream().readAllBytes()))
                        .isEqualTo("05010001000000000000");
            }
        }
        MeshLab.eventually(
                "it says why", () -> !daemon.lines("no destination within 10 s").isEmpty());
    }

    @Test
    void garbageOfManyClientsCostsOnlyThemselves() throws Exception {
        byte[] noise = Application.bytes(70_000);
        for (int i = 0; i < 200; i++) {
            try (Socket socket = open()) {
                int from = i * 300;
                socket.getOutputStream().write(noise, from, 1 + i);
                if (i % 3 == 0) {
                    socket.setSoLinger(true, 0);
                }
            } catch (SocketException reset) {
                // So it should be.
            }
        }
        answers();
        MeshLab.eventually(
                "no socket is left open",
                () -> daemon.metric("istio_tcp_sockets_open", "reporter=\"source\"") == 0);
    }

    private static void answers() {
        assertThat(curl("--socks5", "http://" + VIP + ":80/")).isEqualTo("hello\n");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(US_ASCII);
    }

    @Test
    void itIsClosedToOthers() {
        for (InetAddress address : List.of(client.ipv4(), client.ipv6())) {
            String url = "http://" + (address.getAddress().length == 4 ? "" : "[");
            assertThat(
                            plain.namespace()
                                    .tryRun(
                                            "curl",
                                            "-sS",
                                            "--max-time",
                                            "5",
                                            "--socks5",
                                            address.getAddress().length == 4
                                                    ? address.getHostAddress() + ":" + SOCKS
                                                    : "[" + address.getHostAddress() + "]:" + SOCKS,
                                            "http://" + VIP + ":80/")
                                    .succeeded())
                    .as(url)
                    .isFalse();
        }
    }

    @Test
    @Order(LATE)
    void row137_aDrainingDaemonStaysForItsIdleConnectionAndNoLonger() throws Exception {
        try (Socket idle = connected(lab.server().ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(idle, "before");
            daemon.process().destroy();
            MeshLab.eventually("it drains", () -> !daemon.lines("draining").isEmpty());
            Conversations.roundTrip(idle, "meanwhile");
            assertThat(daemon.process().isAlive()).isTrue();
        }
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).isZero();
        assertThat(daemon.lines("drain deadline reached")).isEmpty();
    }

    @Test
    @Order(LATE + 1)
    void row138_aConnectionThatIsStillBeingSetUpEndsAtTheDeadline() throws Exception {
        daemon =
                lab.daemon(
                        client,
                        DaemonProcess.ours(),
                        "UNSTABLE_ENABLE_SOCKS5=true",
                        "CONNECTION_TERMINATION_DEADLINE=1s");
        try (Socket socket = open()) {
            say(socket, "050100");
            assertThat(hear(socket, 2)).isEqualTo("0500");
            daemon.process().destroy();
            InputStream in = socket.getInputStream();
            assertThat(in.read()).isEqualTo(-1);
            assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(daemon.process().exitValue()).isZero();
    }

    @Test
    @Order(LATE + 2)
    void row139_quitquitquitEndsIt_andWithoutTheDnsProxyNamesAreRefused() throws Exception {
        daemon = lab.daemon(client, DaemonProcess.ours(), "UNSTABLE_ENABLE_SOCKS5=true");
        try (Socket socket = open()) {
            say(socket, "0501000501000309" + HexFormat.of().formatHex(bytes("localhost")) + "0050");
            assertThat(hear(socket, 12)).isEqualTo("0500" + "05070001000000000000");
        }
        assertThat(
                        client.namespace()
                                .tryRun(
                                        "curl",
                                        "-sS",
                                        "-o",
                                        "/dev/null",
                                        "-w",
                                        "%{http_code}",
                                        "-X",
                                        "POST",
                                        "http://127.0.0.1:15000/quitquitquit")
                                .output())
                .isEqualTo("200");
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).isZero();
    }

    @Test
    @Order(LATE + 3)
    void byDefaultNobodyListens() throws Exception {
        daemon = lab.daemon(client, DaemonProcess.ours());
        assertThatThrownBy(SocksNetnsIT::open).isInstanceOf(ConnectException.class);
    }

    @Test
    @Order(LATE + 4)
    void row135_anEarlyShutdownEndsWithoutError() throws Exception {
        daemon.process().destroy();
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).isZero();
    }
}
