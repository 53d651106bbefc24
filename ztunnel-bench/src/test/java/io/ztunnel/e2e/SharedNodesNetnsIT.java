package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.Pod;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/// Two nodes with a daemon each, in the mode that Kubernetes uses (docs/spec/dataplane.md 13.11 and
/// 13.12).
@Tag("netns")
@Timeout(180)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SharedNodesNetnsIT {
    private static final InetAddress VIP = InetAddress.ofLiteral("10.96.0.1");
    private static final int PROXY_PORT = 15088;
    private static final int LATE = Integer.MAX_VALUE - 10;
    private static final String SPIFFE = "spiffe://cluster.local/ns/default/sa/";
    private static final String PATIENT = "CONNECTION_TERMINATION_DEADLINE=60s";
    private static final String[] AS_ITSELF = {
        "POD_NAME=ztunnel", "POD_NAMESPACE=istio-system", "SERVICE_ACCOUNT=ztunnel"
    };

    @TempDir static Path folder;

    private static TwoNodes nodes;
    private static Pod client;
    private static Pod server;
    private static Pod local;
    private static Pod waypoint;
    private static Pod outsider;
    private static DaemonProcess near;
    private static DaemonProcess far;
    private static ServerSocketChannel echo;
    private static ServerSocketChannel localEcho;

    @BeforeAll
    static void build() throws Exception {
        nodes = new TwoNodes(folder, Duration.ofSeconds(5));
        client = nodes.near().pod();
        server = nodes.far().pod();
        local = nodes.near().pod("local");
        waypoint = nodes.near().pod("waypoint");
        outsider = nodes.near().outsider("outsider");
        mesh("", "", "");
        near = nodes.near().start(DaemonProcess.ours(), AS_ITSELF);
        far = nodes.far().start(DaemonProcess.ours(), PATIENT, "ZTUNNEL_POD_STOP_GRACE=0s");
        echo = Application.serve(server.namespace(), Conversations.ECHO, Application::echo);
        localEcho = Application.serve(local.namespace(), Conversations.ECHO, Application::echo);
    }

    @AfterAll
    static void remove() throws IOException {
        echo.close();
        localEcho.close();
        nodes.close();
    }

    /// @param ofServer further fields of the server's workload
    private static void mesh(String ofServer, String ofWaypoint, String services)
            throws IOException {
        String backend = "services: {default/both.default.svc.cluster.local: {80: 8080}}";
        nodes.mesh(
                "workloads:\n"
                        + nodes.near().workload(client, "")
                        + nodes.near().workload(local, backend)
                        + nodes.near().workload(waypoint, ofWaypoint)
                        + nodes.far().workload(server, backend + "\n  " + ofServer)
                        + itself()
                        + "services:\n"
                        + """
                        - name: both
                          namespace: default
                          hostname: both.default.svc.cluster.local
                          vips: ["/%s"]
                          ports: {80: 8080}
                        """
                                .formatted(VIP.getHostAddress())
                        + services);
    }

    private static String itself() {
        return """
        - uid: Kubernetes//Pod/istio-system/ztunnel
          name: ztunnel
          namespace: istio-system
          serviceAccount: ztunnel
          trustDomain: cluster.local
          workloadName: ztunnel
          node: node-1
          workloadIps: [%s]
          protocol: HBONE
          services: {}
        """
                .formatted(nodes.near().firstHome().ipv4().getHostAddress());
    }

    @Test
    @Order(1)
    void row166_certificatesAreFetchedAheadForPodsOfThisNodeOnly() {
        MeshLab.eventually(
                "the client's is there", () -> near.get(dump()).contains(SPIFFE + "client"));
        String known = near.get(dump());
        known = known.substring(known.indexOf("\"certificates\""));
        assertThat(known)
                .contains(SPIFFE + "local", SPIFFE + "waypoint")
                .doesNotContain(SPIFFE + "server");
        assertThat(known.split(SPIFFE + "client\"", -1)).as("fetched once").hasSize(2);
    }

    private static String dump() {
        return "http://127.0.0.1:15000/config_dump";
    }

    @Test
    void row158_aServiceWithBackendsOnBothNodesUsesBoth() throws Exception {
        int before = near.lines("direction=\"outbound\"").size();
        roundTrip(VIP, 80);
        MeshLab.eventually(
                "one line", () -> near.lines("direction=\"outbound\"").size() == before + 1);
        for (int i = 0; i < 50; i++) {
            roundTrip(VIP, 80);
        }
        MeshLab.eventually(
                "51 lines", () -> near.lines("direction=\"outbound\"").size() >= before + 51);
        String service = "dst.service=\"both.default.svc.cluster.local\"";
        List<String> out = near.lines("direction=\"outbound\"");
        assertThat(out.subList(before, before + 51))
                .allMatch(line -> line.contains(service))
                .anyMatch(line -> line.contains("dst.workload=\"local\""))
                .anyMatch(line -> line.contains("dst.workload=\"server\""));
        assertThat(opened(near, "source")).isPositive();
        assertThat(opened(near, "destination")).isPositive();
        assertThat(opened(far, "destination")).isPositive();
    }

    private static void roundTrip(InetAddress to, int port) throws IOException {
        try (Socket socket = Application.connect(client.namespace(), to, port)) {
            Conversations.roundTrip(socket, "hello world");
        }
    }

    private static long opened(DaemonProcess daemon, String reporter) {
        return daemon.get("http://127.0.0.1:15020/metrics")
                .lines()
                .filter(line -> line.startsWith("istio_tcp_connections_opened_total{"))
                .filter(line -> line.contains("destination_service_name=\"both\""))
                .filter(line -> line.contains("reporter=\"" + reporter + "\""))
                .count();
    }

    @Test
    void row156_aSandwichedWaypointGetsPlainBytesAndReachesTheServer() throws Exception {
        mesh(
                "waypoint: " + destination(waypoint.ipv4().getHostAddress()),
                "applicationTunnel: {protocol: NONE}",
                "");
        List<String> heard = new CopyOnWriteArrayList<>();
        try (ServerSocketChannel _ =
                Application.serve(
                        waypoint.namespace(),
                        Conversations.ECHO,
                        from -> forward(from, 0, Conversations.ECHO, heard))) {
            MeshLab.eventually("by way of it", () -> answers() && !heard.isEmpty());
            assertThat(heard).contains("hello world");
        } finally {
            mesh("", "", "");
        }
    }

    @Test
    void row157_aSandwichedWaypointIsToldTheDestinationInAProxyPreamble() throws Exception {
        mesh(
                "waypoint: " + destination("10.96.0.2"),
                "applicationTunnel: {protocol: PROXY, port: 15088}\n"
                    + "  services: {default/waypoint.default.svc.cluster.local: {15088: 15088}}",
                """
                - name: waypoint
                  namespace: default
                  hostname: waypoint.default.svc.cluster.local
                  vips: ["/10.96.0.2"]
                  ports: {}
                """);
        List<String> heard = new CopyOnWriteArrayList<>();
        try (ServerSocketChannel _ =
                Application.serve(
                        waypoint.namespace(), PROXY_PORT, from -> forward(from, 16, 0, heard))) {
            MeshLab.eventually("by way of it", () -> answers() && !heard.isEmpty());
            assertThat(heard)
                    .contains("hello world", server.ipv4().getHostAddress() + ":8080")
                    .contains("from " + client.ipv4().getHostAddress());
        } finally {
            mesh("", "", "");
        }
    }

    /// What a waypoint does, in little: reads where to, if it is told, and carries eleven bytes
    /// there and back.
    ///
    /// @param preamble bytes of the fixed part of a PROXY header, 0 for none
    private static void forward(SocketChannel from, int preamble, int port, List<String> heard) {
        try (from) {
            InetSocketAddress to = new InetSocketAddress(server.ipv4(), port);
            if (preamble > 0) {
                ByteBuffer header =
                        ByteBuffer.wrap(from.socket().getInputStream().readNBytes(preamble));
                byte[] rest = from.socket().getInputStream().readNBytes(header.getShort(14));
                heard.add("from " + address(rest, 0).getHostAddress());
                int targetPort = ByteBuffer.wrap(rest).getShort(10) & 0xffff;
                to = new InetSocketAddress(address(rest, 4), targetPort);
                heard.add(address(rest, 4).getHostAddress() + ":" + targetPort);
            }
            byte[] word = from.socket().getInputStream().readNBytes(11);
            heard.add(new String(word, US_ASCII));
            try (Socket onward =
                    Application.connect(waypoint.namespace(), to.getAddress(), to.getPort())) {
                onward.getOutputStream().write(word);
                from.socket().getOutputStream().write(onward.getInputStream().readNBytes(11));
            }
        } catch (IOException broken) {
            heard.add("broken: " + broken);
        }
    }

    private static InetAddress address(byte[] bytes, int at) throws IOException {
        return InetAddress.getByAddress(java.util.Arrays.copyOfRange(bytes, at, at + 4));
    }

    private static boolean answers() {
        try (Socket socket =
                Application.connect(client.namespace(), server.ipv4(), Conversations.ECHO)) {
            socket.setSoTimeout(5_000);
            Conversations.roundTrip(socket, "hello world");
            return true;
        } catch (IOException | AssertionError refused) {
            return false;
        }
    }

    private static String destination(String address) {
        return "{destination: /" + address + ", hboneMtlsPort: 15008}";
    }

    @Test
    void row167_theMetricsOfAProxyAreReachedThroughATunnelToIt() {
        String home = nodes.near().home().ipv4().getHostAddress();
        String page =
                client.namespace()
                        .tryRun(
                                "curl",
                                "-sS",
                                "-i",
                                "--max-time",
                                "20",
                                "http://" + home + ":15020/metrics")
                        .output();
        assertThat(page).contains("200 OK", "# TYPE");
        MeshLab.eventually(
                "its line",
                () ->
                        near.lines("direction=\"inbound\"").stream()
                                .anyMatch(
                                        line ->
                                                line.contains("dst.workload=\"ztunnel\"")
                                                        && line.contains(
                                                                "dst.addr=" + home + ":15008")
                                                        && line.contains(
                                                                "dst.hbone_addr="
                                                                        + home
                                                                        + ":15020")));
    }

    @Test
    void row168_aCapturedPodThatCallsTheProxyItself() throws Exception {
        InetAddress home = nodes.near().home().ipv4();
        for (int port : List.of(15001, 15006, 15008, 15080, 15000)) {
            assertThat(call(client.namespace(), home, port)).as("%d", port).isEqualTo("dropped");
        }
        for (int port : List.of(15020, 15021)) {
            assertThat(call(client.namespace(), home, port)).startsWith("HTTP/1.1 400");
        }
    }

    @Test
    void row171_anUncapturedPodThatCallsTheProxyItself() throws Exception {
        InetAddress home = nodes.near().home().ipv4();
        for (int port : List.of(15001, 15006, 15080, 15000)) {
            assertThat(call(outsider.namespace(), home, port)).as("%d", port).isEqualTo("refused");
        }
        assertThat(call(outsider.namespace(), home, 15008)).isEqualTo("dropped");
        for (int port : List.of(15020, 15021)) {
            assertThat(call(outsider.namespace(), home, port)).startsWith("HTTP/1.1 400");
        }
    }

    /// Says what the specification says; an alert is no usable answer.
    private static String call(Namespace from, InetAddress to, int port) throws IOException {
        try (Socket socket = Application.connect(from, to, port)) {
            socket.getOutputStream().write("hello world\r\n\r\n".getBytes(US_ASCII));
            byte[] answer = socket.getInputStream().readAllBytes();
            return answer.length == 0 || answer[0] == 21 ? "dropped" : new String(answer, US_ASCII);
        } catch (SocketTimeoutException open) {
            return "left open";
        } catch (ConnectException refused) {
            return "refused";
        } catch (SocketException reset) {
            return "dropped";
        }
    }

    /// SIGTERM promises a deadline; what comes after it changes nothing.
    @Test
    @Order(LATE - 2)
    void aDaemonThatWasTerminatedStaysForItsConnectionsWhateverSignalsFollow() throws Exception {
        Conversations talk = new Conversations(client.namespace(), server.ipv4());
        MeshLab.eventually("no waypoint any more", SharedNodesNetnsIT::answers);
        DaemonProcess old = far;
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            far = nodes.far().start(DaemonProcess.ours(), PATIENT, "ZTUNNEL_POD_STOP_GRACE=0s");
            old.process().destroy();
            MeshLab.eventually("it drains", () -> !old.lines("draining").isEmpty());
            for (String signal : List.of("TERM", "INT", "INT")) {
                int before = old.lines("received signal").size();
                kill(signal, old);
                MeshLab.eventually(
                        "it hears " + signal, () -> old.lines("received signal").size() > before);
                Conversations.roundTrip(standing, "after " + signal);
            }
            talk.roundTrip();
        }
        assertThat(old.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(old.process().exitValue()).isZero();
        assertThat(old.lines("drain deadline reached")).isEmpty();
    }

    @Test
    @Order(LATE - 1)
    void theSecondInterruptEndsTheDaemonAtOnceAndInOrder() throws Exception {
        Conversations talk = new Conversations(client.namespace(), server.ipv4());
        DaemonProcess old = far;
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            far = nodes.far().start(DaemonProcess.ours(), PATIENT, "ZTUNNEL_POD_STOP_GRACE=0s");
            kill("INT", old);
            MeshLab.eventually("it drains", () -> !old.lines("draining").isEmpty());
            Conversations.roundTrip(standing, "meanwhile");
            kill("INT", old);
            assertThat(old.process().waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(old.process().exitValue()).isZero();
            assertThat(old.lines("drain deadline reached")).isEmpty();
        }
        talk.roundTrip();
    }

    private static void kill(String signal, DaemonProcess daemon) throws Exception {
        Process kill =
                new ProcessBuilder("kill", "-" + signal, "" + daemon.process().pid()).start();
        assertThat(kill.waitFor()).isZero();
    }

    @Test
    @Order(LATE)
    void row160_aServerPodThatIsDeleted() throws Exception {
        Conversations talk = new Conversations(client.namespace(), server.ipv4());
        MeshLab.eventually("no waypoint any more", SharedNodesNetnsIT::answers);
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            nodes.far().remove(server);
            assertThatThrownBy(() -> Conversations.roundTrip(standing, "after"))
                    .isInstanceOfAny(IOException.class, AssertionError.class);
        }
        talk.isRefused();
    }
}
