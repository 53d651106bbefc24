package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.Pod;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;

/// The scenarios of docs/spec/inpod-and-deployment.md 4.4 by their names there, from pod to pod.
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class InpodNetnsIT extends InpodWorld {
    /// After those without an order: these change the world for good.
    private static final int LATE = Integer.MAX_VALUE - 10;

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
