package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Namespace;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// What a daemon lets pile up: nothing without a bound.
@Tag("netns")
@Timeout(180)
class BoundsNetnsIT extends EchoMesh {
    private static final int LATE = 8081;
    private static final String REFUSED = "ztunnel_java_connections_refused_total";
    private static final String REAPED = "ztunnel_java_connections_reaped_total";

    /// How often idle connections are looked at follows the shortest of the limits.
    private static final String LOOK_OFTEN = "ZTUNNEL_GONE_PEER_GRACE=1s";

    private final CountDownLatch late = new CountDownLatch(1);
    private final AtomicLong readLate = new AtomicLong();

    @AfterEach
    void letGo() {
        late.countDown();
    }

    @Test
    void halfClosedConnectionsOfProgramsThatAreGoneDoNotPileUp() throws Exception {
        String[] settings = {
            LOOK_OFTEN, "KEEPALIVE_TIME=2s", "KEEPALIVE_INTERVAL=1s", "KEEPALIVE_RETRIES=3"
        };
        DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), settings);
        DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), settings);
        lab.client().namespace().run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/tcp_fin_timeout");
        try (ServerSocketChannel _ =
                        Application.serve(lab.server().namespace(), LATE, this::answersLate);
                Socket patient = openLate()) {
            say(patient);
            patient.shutdownOutput();
            for (int i = 0; i < 40; i++) {
                try (Socket leaving = openLate()) {
                    say(leaving);
                }
            }
            MeshLab.eventually("they are ended", () -> client.metric(REAPED, "gone") == 40);
            MeshLab.eventually("here, too", () -> server.metric(REAPED, "gone") == 40);
            assertThat(client.lines("one side is gone and the other one is silent")).hasSize(40);
            assertThat(open(client, "source")).isEqualTo(1);
            // A program that is there and has only ended its side is not touched.
            late.countDown();
            assertThat(new String(patient.getInputStream().readAllBytes(), US_ASCII))
                    .isEqualTo("late");
        }
    }

    private Socket openLate() throws IOException {
        return Application.connect(lab.client().namespace(), lab.server().ipv4(), LATE);
    }

    private static void say(Socket socket) throws IOException {
        socket.getOutputStream().write("hello".getBytes(US_ASCII));
    }

    /// Begins to read when it is told to, and answers at the end of what it reads.
    private void answersLate(SocketChannel connection) {
        try (connection) {
            late.await();
            ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
            for (int read = 0; read >= 0; read = connection.read(buffer.clear())) {
                readLate.addAndGet(read);
            }
            connection.write(ByteBuffer.wrap("late".getBytes(US_ASCII)));
        } catch (IOException | InterruptedException gone) {
            // Its client has left.
        }
    }

    private static long open(DaemonProcess daemon, String reporter) {
        return daemon.metric("istio_tcp_sockets_open", reporter);
    }

    @Test
    void anIdleConnectionEndsWhereTheOperatorWantsItTo() throws Exception {
        DaemonProcess client =
                lab.daemon(lab.client(), DaemonProcess.ours(), "ZTUNNEL_OUTBOUND_IDLE_TIMEOUT=2s");
        lab.daemon(lab.server(), DaemonProcess.ours());
        try (Socket idle = talk.open()) {
            Conversations.roundTrip(idle, "hello");
            assertThat(idle.getInputStream().read()).isEqualTo(-1);
        }
        MeshLab.eventually(
                "it says so",
                () -> !client.lines("idle for longer than the limit of its port").isEmpty());
        assertThat(client.metric(REAPED, "idle")).isEqualTo(1);
    }

    @Test
    void aFloodOfConnectionsIsRefusedAndToldOnceAndWhatStandsGoesOn() throws Exception {
        DaemonProcess client =
                lab.daemon(lab.client(), DaemonProcess.ours(), "ZTUNNEL_MAX_SOCKETS=64");
        lab.daemon(lab.server(), DaemonProcess.ours());
        List<Socket> flood = new ArrayList<>();
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            for (int i = 0; i < 200; i++) {
                flood.add(talk.open());
            }
            MeshLab.eventually("some are refused", () -> client.metric(REFUSED, "sockets") >= 168);
            Conversations.roundTrip(standing, "meanwhile");
            assertThat(client.lines("refusing connections of a pod"))
                    .hasSizeBetween(1, 10)
                    .allSatisfy(
                            line -> assertThat(line).contains("default/client", "sockets", "warn"));
        } finally {
            MeshLab.closeAll(flood);
        }
        MeshLab.eventually("it serves again", talk::answers);
    }

    @Test
    void connectionsWithoutAHandshakeCannotKeepTheOthersOut() throws Exception {
        lab.daemon(lab.client(), DaemonProcess.ours());
        DaemonProcess server =
                lab.daemon(lab.server(), DaemonProcess.ours(), "ZTUNNEL_MAX_HANDSHAKES=8");
        Namespace outside = lab.outsider().namespace();
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                silent.add(Application.connect(outside, lab.server().ipv4(), 15008));
            }
            MeshLab.eventually(
                    "most are refused", () -> server.metric(REFUSED, "handshakes") >= 92);
        } finally {
            MeshLab.closeAll(silent);
        }
        MeshLab.eventually("it serves", talk::answers);
    }

    @Test
    void aProgramThatDoesNotReadIsSentALotAndHeldLittle() throws Exception {
        lab.daemon(lab.client(), DaemonProcess.ours());
        DaemonProcess server =
                lab.daemon(
                        lab.server(),
                        DaemonProcess.ours(),
                        "ZTUNNEL_MAX_BUFFERED_BYTES=2097152",
                        LOOK_OFTEN);
        List<Socket> senders = new ArrayList<>();
        try (ServerSocketChannel _ =
                Application.serve(lab.server().namespace(), LATE, this::answersLate)) {
            for (int i = 0; i < 8; i++) {
                senders.add(openLate());
            }
            long sent = pushUntilNothingMoves(senders);
            // Without a bound it would be a window of 4 MiB each.
            MeshLab.eventually("it is told", () -> buffered(server) > (1 << 20));
            assertThat(buffered(server)).isLessThan(3L << 20);

            late.countDown();
            assertEnd(senders);
            assertThat(readLate.get()).isEqualTo(sent);
            MeshLab.eventually("nothing is left", () -> buffered(server) == 0);
        } finally {
            MeshLab.closeAll(senders);
        }
    }

    /// For longer than a peer waits for the answer to its PING, which stands behind what programs
    /// do not read.
    @Test
    @Tag("slow")
    void aTunnelThatIsNotReadIsNotTakenForDead() throws Exception {
        DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours());
        DaemonProcess server =
                lab.daemon(
                        lab.server(), DaemonProcess.ours(), "ZTUNNEL_MAX_BUFFERED_BYTES=1048576");
        List<Socket> senders = new ArrayList<>();
        try (ServerSocketChannel _ =
                Application.serve(lab.server().namespace(), LATE, this::answersLate)) {
            for (int i = 0; i < 8; i++) {
                senders.add(openLate());
            }
            long sent = pushUntilNothingMoves(senders);
            long stuckSince = System.nanoTime();
            MeshLab.eventually(
                    "35 s pass",
                    () -> {
                        assertThat(client.lines("connection complete")).isEmpty();
                        assertThat(buffered(server)).isLessThan(3L << 20);
                        return System.nanoTime() - stuckSince > 35_000_000_000L;
                    });
            late.countDown();
            assertEnd(senders);
            assertThat(readLate.get()).isEqualTo(sent);
        } finally {
            MeshLab.closeAll(senders);
        }
    }

    private static void assertEnd(List<Socket> senders) throws IOException {
        for (Socket each : senders) {
            each.getChannel().configureBlocking(true);
            each.shutdownOutput();
            assertThat(new String(each.getInputStream().readAllBytes(), US_ASCII))
                    .isEqualTo("late");
        }
    }

    private static long pushUntilNothingMoves(List<Socket> senders) throws IOException {
        ByteBuffer some = ByteBuffer.allocate(64 * 1024);
        long sent = 0;
        long last = System.nanoTime();
        for (Socket each : senders) {
            each.getChannel().configureBlocking(false);
        }
        while (System.nanoTime() - last < 2_000_000_000L) {
            for (Socket each : senders) {
                int written = each.getChannel().write(some.clear());
                if (written > 0) {
                    sent += written;
                    last = System.nanoTime();
                }
            }
            LockSupport.parkNanos(1_000_000);
        }
        return sent;
    }

    private static long buffered(DaemonProcess daemon) {
        return daemon.get("http://127.0.0.1:15020/metrics")
                .lines()
                .filter(line -> line.startsWith("ztunnel_java_buffered_bytes "))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
