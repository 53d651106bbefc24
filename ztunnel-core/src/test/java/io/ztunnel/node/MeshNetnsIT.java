package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

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

import java.io.IOException;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Two daemons in dedicated mode carry what two pods on two nodes say to each other
/// (docs/spec/dataplane.md 13.11).
@Tag("netns")
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MeshNetnsIT {
    /// After those without an order: these change the world for good.
    private static final int LATE = Integer.MAX_VALUE - 10;

    @TempDir static Path folder;

    private static MeshLab lab;
    private static ServerSocketChannel echo;
    private static DaemonProcess clientSide;
    private static DaemonProcess serverSide;
    private static Conversations v4;
    private static Conversations v6;

    @BeforeAll
    static void build() {
        lab = new MeshLab(folder, Redirection.nft());
        echo = Application.serve(lab.server().namespace(), Conversations.ECHO, Application::echo);
        clientSide = lab.daemon(lab.client(), DaemonProcess.ours());
        serverSide = lab.daemon(lab.server(), DaemonProcess.ours());
        v4 = new Conversations(lab.client().namespace(), lab.server().ipv4());
        v6 = new Conversations(lab.client().namespace(), lab.server().ipv6());
    }

    @AfterAll
    static void remove() throws IOException {
        echo.close();
        lab.close();
    }

    @Test
    @Order(1)
    void row148_countersAndLinesOfBothEndsAgreeOnElevenBytes() throws Exception {
        v4.roundTrip();

        MeshLab.eventually(
                "both lines",
                () ->
                        !clientSide.lines("connection complete").isEmpty()
                                && !serverSide.lines("connection complete").isEmpty());
        assertThat(clientSide.lines("connection complete").getFirst())
                .contains(
                        "src.identity=\"spiffe://cluster.local/ns/default/sa/client\"",
                        "dst.identity=\"spiffe://cluster.local/ns/default/sa/server\"",
                        "dst.hbone_addr=" + lab.server().ipv4().getHostAddress() + ":8080",
                        "direction=\"outbound\" bytes_sent=11 bytes_recv=11");
        assertThat(serverSide.lines("connection complete").getFirst())
                .contains(
                        "src.identity=\"spiffe://cluster.local/ns/default/sa/client\"",
                        "dst.addr=" + lab.server().ipv4().getHostAddress() + ":15008",
                        "direction=\"inbound\" bytes_sent=11 bytes_recv=11");
        for (DaemonProcess each : List.of(clientSide, serverSide)) {
            String reporter =
                    each == clientSide ? "reporter=\"source\"" : "reporter=\"destination\"";
            assertThat(each.metric("istio_tcp_connections_opened_total", reporter)).isEqualTo(1);
            assertThat(each.metric("istio_tcp_connections_closed_total", reporter)).isEqualTo(1);
            assertThat(each.metric("istio_tcp_received_bytes_total", reporter)).isEqualTo(11);
            assertThat(each.metric("istio_tcp_sent_bytes_total", reporter)).isEqualTo(11);
        }
    }

    @Test
    void everyByteComesBackAfterHalfClose() throws Exception {
        for (int size : new int[] {1, 1024, 65_536, 1_000_003, 8 << 20}) {
            v4.everyByteComesBackAfterHalfClose(size);
        }
    }

    @Test
    void ipv6IsCarriedLikeIpv4() throws Exception {
        v6.roundTrip();
        v6.everyByteComesBackAfterHalfClose(1 << 20);
    }

    @Test
    void aSlowReaderGetsEverything() throws Exception {
        v4.aSlowReaderGetsEverything(6 << 20);
    }

    @Test
    void twoHundredAtOnce() throws Exception {
        v4.manyAtOnce(200);
    }

    @Test
    void aReaderThatStopsDoesNotStopItsSiblings() throws Exception {
        try (Socket stuck = v4.open()) {
            byte[] chunk = new byte[64 * 1024];
            stuck.getChannel().configureBlocking(false);
            // Nobody reads what comes back, so at some point nothing more is taken.
            long refused = 0;
            while (refused < 2000) {
                refused += stuck.getChannel().write(java.nio.ByteBuffer.wrap(chunk)) == 0 ? 1 : 0;
                Thread.onSpinWait();
            }
            v4.roundTrip();
            v4.everyByteComesBackAfterHalfClose(1 << 20);
        }
    }

    @Test
    void aServerThatEndsFirstIsHeardByTheClient() throws Exception {
        try (ServerSocketChannel _ =
                        Application.serve(
                                lab.server().namespace(), 8081, MeshNetnsIT::greetAndClose);
                Socket socket =
                        Application.connect(lab.client().namespace(), lab.server().ipv4(), 8081)) {
            assertThat(socket.getInputStream().readAllBytes()).asString(US_ASCII).isEqualTo("bye");
        }
    }

    private static void greetAndClose(SocketChannel connection) {
        try (connection) {
            connection.write(java.nio.ByteBuffer.wrap("bye".getBytes(US_ASCII)));
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    @Test
    void row124_aResetOfTheClientIsAnEndForTheServer() throws Exception {
        try (Socket socket = v4.open()) {
            Conversations.roundTrip(socket, "first");
            socket.getChannel().setOption(StandardSocketOptions.SO_LINGER, 0);
        }
        v4.roundTrip();
    }

    @Test
    void nothingListensBehindThePod() throws Exception {
        Conversations closed = new Conversations(lab.client().namespace(), lab.server().ipv4());
        try (Socket socket = Application.connect(closed.client(), lab.server().ipv4(), 9999)) {
            socket.getOutputStream().write(1);
            assertThatThrownBy(() -> socket.getInputStream().read())
                    .isInstanceOf(IOException.class);
        }
        MeshLab.eventually(
                "both say why",
                () ->
                        !clientSide.lines("http status: 503 Service Unavailable").isEmpty()
                                && !serverSide
                                        .lines("connection failed: Connection refused")
                                        .isEmpty());
    }

    @Test
    void row165_garbageAndSilenceOn15008CostOnlyThemselves() throws Exception {
        try (Socket silent =
                        Application.connect(lab.server().namespace(), lab.server().ipv4(), 15008);
                Socket garbage =
                        Application.connect(lab.server().namespace(), lab.server().ipv4(), 15008)) {
            garbage.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
            // An alert may come first.
            garbage.getInputStream().readAllBytes();
            v4.roundTrip();
            assertThat(silent.getInputStream().readAllBytes()).isEmpty();
        }
        assertThat(serverSide.lines("tls handshake error")).isNotEmpty();
    }

    @Test
    void row170_aPodThatCallsOurPortsIsTurnedAway() throws Exception {
        for (int port : new int[] {15001, 15006}) {
            try (Socket socket =
                    Application.connect(lab.client().namespace(), lab.server().ipv4(), port)) {
                socket.getOutputStream().write("hello world".getBytes(US_ASCII));
                assertThatThrownBy(
                                () -> {
                                    if (socket.getInputStream().read() < 0) {
                                        throw new IOException("ended");
                                    }
                                })
                        .isInstanceOf(IOException.class);
            }
        }
        MeshLab.eventually(
                "the reason",
                () -> !serverSide.lines("attempted recursive call to ourselves").isEmpty());
    }

    @Test
    @Order(LATE)
    void row161_policiesRefuseAndCutAndLetInAgain() throws Exception {
        try (Socket standing = v4.open()) {
            Conversations.roundTrip(standing, "before");
            lab.mesh(
                    MeshLab.policy(
                            "only-others",
                            "Allow",
                            "[[[{principals: [!Exact cluster.local/ns/default/sa/other]}]]]"));
            MeshLab.eventually(
                    "the standing connection is cut",
                    () -> !serverSide.lines("connection closed due to policy change").isEmpty());
            assertThatThrownBy(() -> Conversations.roundTrip(standing, "after"))
                    .isInstanceOfAny(IOException.class, AssertionError.class);
        }
        v4.isRefused();
        MeshLab.eventually(
                "both say why",
                () ->
                        !clientSide.lines("http status: 401 Unauthorized").isEmpty()
                                && !serverSide
                                        .lines(
                                                "connection closed due to policy rejection: allow"
                                                        + " policies exist, but none allowed")
                                        .isEmpty());

        lab.write("workloads: [ this is not: a mesh");
        MeshLab.eventually(
                "the bad file is reported once",
                () -> serverSide.lines("its last good version stays").size() == 1);
        v4.isRefused();

        lab.mesh("");
        MeshLab.eventually("everybody may again", v4::answers);
    }

    @Test
    @Order(LATE + 1)
    void row136_aSecondDaemonInThePodFailsAndSaysWhichAddressIsTaken() throws Exception {
        DaemonProcess second = lab.starting(lab.server(), DaemonProcess.ours());
        assertThat(second.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(second.process().exitValue()).isEqualTo(1);
        assertThat(second.tail()).contains("15000", "Address already in use");
        v4.roundTrip();
    }

    @Test
    @Order(LATE + 2)
    void row159_aDaemonThatDrainsLetsStandingConnectionsFinish() throws Exception {
        try (Socket standing = v4.open()) {
            Conversations.roundTrip(standing, "before");
            serverSide.process().destroy();
            MeshLab.eventually("it drains", () -> !serverSide.lines("draining").isEmpty());
            Conversations.roundTrip(standing, "meanwhile");
        }
        assertThat(serverSide.process().waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(serverSide.process().exitValue()).isZero();
        v4.isRefused();
    }
}
