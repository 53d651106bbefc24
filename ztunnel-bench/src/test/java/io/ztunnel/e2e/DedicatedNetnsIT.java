package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
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

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Dedicated mode behind iptables rules: the counters and lines of docs/spec/dataplane.md 13.11,
/// ends of connections that are not polite, and back-pressure.
///
/// [io.ztunnel.node] tests the polite ones behind nft rules.
@Tag("netns")
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DedicatedNetnsIT {
    private static final String COMPLETE = "connection complete";
    private static final String CLIENT = "spiffe://cluster.local/ns/default/sa/client";
    private static final String PATIENT = "CONNECTION_TERMINATION_DEADLINE=60s";
    private static final int DOUBLER = 8081;
    private static final int LATE = Integer.MAX_VALUE - 10;

    /// Two windows of a stream, two sockets' buffers and the heap's own growth fit well below.
    private static final long MOST_GROWTH_KB = 96 << 10;

    @TempDir static Path folder;

    private static MeshLab lab;
    private static ServerSocketChannel echo;
    private static DaemonProcess clientSide;
    private static DaemonProcess serverSide;
    private static DaemonProcess neighbourSide;
    private static Pod neighbour;
    private static Pod outsider;
    private static Conversations talk;

    @BeforeAll
    static void build() {
        lab = new MeshLab(folder, Redirection.iptables());
        neighbour = lab.neighbour();
        outsider = lab.outsider();
        lab.mesh("");
        echo = Application.serve(lab.server().namespace(), Conversations.ECHO, Application::echo);
        clientSide = lab.daemon(lab.client(), DaemonProcess.ours(), PATIENT);
        serverSide = lab.daemon(lab.server(), DaemonProcess.ours());
        neighbourSide = lab.daemon(neighbour, DaemonProcess.ours());
        talk = new Conversations(lab.client().namespace(), lab.server().ipv4());
    }

    @AfterAll
    static void remove() throws IOException {
        echo.close();
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

    private static void elevenForTwentyTwo(Pod to) throws IOException {
        try (ServerSocketChannel _ =
                        Application.serve(to.namespace(), DOUBLER, DedicatedNetnsIT::doubled);
                Socket socket = Application.connect(lab.client().namespace(), to.ipv4(), DOUBLER)) {
            socket.getOutputStream().write("hello world".getBytes(US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(22), US_ASCII))
                    .isEqualTo("hello worldhello world");
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    /// What the counters of one daemon have grown by.
    private record Counted(DaemonProcess daemon, String reporter, List<Long> before) {
        static Counted of(DaemonProcess daemon, String reporter) {
            return new Counted(daemon, reporter, read(daemon, reporter));
        }

        private static List<Long> read(DaemonProcess daemon, String reporter) {
            String label = "reporter=\"" + reporter + "\"";
            return List.of(
                    daemon.metric("istio_tcp_connections_opened_total", label),
                    daemon.metric("istio_tcp_connections_closed_total", label),
                    daemon.metric("istio_tcp_received_bytes_total", label),
                    daemon.metric("istio_tcp_sent_bytes_total", label));
        }

        /// Opened and closed one, received 11, sent 22.
        void oneConnection() {
            List<Long> expected =
                    List.of(
                            before.get(0) + 1,
                            before.get(1) + 1,
                            before.get(2) + 11,
                            before.get(3) + 22);
            MeshLab.eventually(
                    reporter + " counts " + expected,
                    () -> read(daemon, reporter).equals(expected));
        }
    }

    private static void carriesAndCounts(Pod to, DaemonProcess toSide) throws IOException {
        Counted source = Counted.of(clientSide, "source");
        Counted destination = Counted.of(toSide, "destination");
        int outbound = clientSide.lines(COMPLETE).size();
        int inbound = toSide.lines(COMPLETE).size();

        elevenForTwentyTwo(to);

        source.oneConnection();
        destination.oneConnection();
        String identities =
                "dst.identity=\"spiffe://cluster.local/ns/default/sa/" + to.name() + "\"";
        assertThat(lineAfter(clientSide, outbound))
                .contains(
                        "src.identity=\"" + CLIENT + "\"",
                        identities,
                        "direction=\"outbound\" bytes_sent=11 bytes_recv=22");
        assertThat(lineAfter(toSide, inbound))
                .contains(
                        "src.identity=\"" + CLIENT + "\"",
                        identities,
                        "direction=\"inbound\" bytes_sent=22 bytes_recv=11");
    }

    private static String lineAfter(DaemonProcess daemon, int before) {
        MeshLab.eventually("a line", () -> daemon.lines(COMPLETE).size() > before);
        return daemon.lines(COMPLETE).get(before);
    }

    @Test
    @Order(1)
    void row149_row146_toACapturedServerOfTheSameNode() throws Exception {
        carriesAndCounts(neighbour, neighbourSide);
    }

    @Test
    @Order(1)
    void row149_row148_toACapturedServerOfAnotherNode() throws Exception {
        carriesAndCounts(lab.server(), serverSide);
    }

    @Test
    @Order(1)
    void row149_row147_toAnUncapturedServerWithoutIdentities() throws Exception {
        Counted source = Counted.of(clientSide, "source");
        int before = clientSide.lines(COMPLETE).size();

        elevenForTwentyTwo(outsider);

        source.oneConnection();
        assertThat(lineAfter(clientSide, before))
                .contains(
                        "dst.addr=" + outsider.ipv4().getHostAddress() + ":" + DOUBLER,
                        "direction=\"outbound\" bytes_sent=11 bytes_recv=22")
                .doesNotContain("src.identity", "dst.identity", "dst.hbone_addr");
    }

    @Test
    void aPlaintextClientIsServedAndHasNoIdentity() throws Exception {
        int before = serverSide.lines(COMPLETE).size();
        new Conversations(outsider.namespace(), lab.server().ipv4()).roundTrip();
        assertThat(lineAfter(serverSide, before))
                .contains("direction=\"inbound\" bytes_sent=11 bytes_recv=11")
                .doesNotContain("src.identity");
    }

    @Test
    void everyByteComesBackAfterHalfCloseInBothFamilies() throws Exception {
        for (InetAddress server : List.of(lab.server().ipv4(), lab.server().ipv6())) {
            Conversations family = new Conversations(lab.client().namespace(), server);
            for (int size : new int[] {1, 16_384, 65_537, 8 << 20}) {
                family.everyByteComesBackAfterHalfClose(size);
            }
        }
        talk.manyAtOnce(200);
    }

    @Test
    void row124_aServerThatResetsEndsTheClientsConnection() throws Exception {
        try (ServerSocketChannel _ =
                        Application.serve(lab.server().namespace(), 8082, DedicatedNetnsIT::reset);
                Socket socket =
                        Application.connect(lab.client().namespace(), lab.server().ipv4(), 8082)) {
            socket.getOutputStream().write(1);
            assertThat(ends(socket)).isTrue();
        }
        talk.roundTrip();
    }

    private static void reset(SocketChannel connection) {
        try (connection) {
            connection.socket().getInputStream().read();
            connection.setOption(StandardSocketOptions.SO_LINGER, 0);
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    private static boolean ends(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (java.net.SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void aServerThatDoesNotReadFillsNoMemory() throws Exception {
        List<SocketChannel> unread = new java.util.concurrent.CopyOnWriteArrayList<>();
        long clientBefore = residentKb(clientSide);
        long serverBefore = residentKb(serverSide);
        try (ServerSocketChannel _ =
                        Application.serve(lab.server().namespace(), 8083, unread::add);
                Socket socket =
                        Application.connect(lab.client().namespace(), lab.server().ipv4(), 8083)) {
            SocketChannel channel = socket.getChannel();
            channel.configureBlocking(false);
            ByteBuffer chunk = ByteBuffer.allocateDirect(64 * 1024);
            long[] taken = new long[2];
            // Full is when nothing was taken over many looks in a row.
            MeshLab.eventually(
                    "the connection is full",
                    () -> {
                        long now = writeAll(channel, chunk);
                        taken[0] += now;
                        taken[1] = now == 0 ? taken[1] + 1 : 0;
                        return taken[1] > 25;
                    });
            assertThat(taken[0]).isLessThan(64L << 20);
            assertThat(residentKb(clientSide) - clientBefore).isLessThan(MOST_GROWTH_KB);
            assertThat(residentKb(serverSide) - serverBefore).isLessThan(MOST_GROWTH_KB);
            talk.everyByteComesBackAfterHalfClose(1 << 20);
        } finally {
            MeshLab.closeAll(unread);
        }
    }

    private static long writeAll(SocketChannel channel, ByteBuffer chunk) {
        try {
            long all = 0;
            while (true) {
                chunk.clear();
                int written = channel.write(chunk);
                if (written == 0) {
                    return all;
                }
                all += written;
            }
        } catch (IOException broken) {
            throw new java.io.UncheckedIOException(broken);
        }
    }

    private static long residentKb(DaemonProcess daemon) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + daemon.process().pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    @Test
    @Order(LATE)
    void row137_aDrainingDaemonStaysForItsIdleConnectionAndNoLonger() throws Exception {
        try (Socket idle = talk.open()) {
            Conversations.roundTrip(idle, "before");
            clientSide.process().destroy();
            MeshLab.eventually("it drains", () -> !clientSide.lines("draining").isEmpty());
            assertThat(clientSide.process().isAlive()).isTrue();
            Conversations.roundTrip(idle, "meanwhile");
        }
        assertThat(clientSide.process().waitFor(60, java.util.concurrent.TimeUnit.SECONDS))
                .isTrue();
        assertThat(clientSide.lines("drain deadline reached")).isEmpty();
        assertThat(clientSide.process().exitValue()).isZero();
        clientSide = lab.daemon(lab.client(), DaemonProcess.ours());
    }

    @Test
    @Order(LATE + 1)
    void row160_aServerThatIsGoneFailsTheStandingAndTheNextConnection() throws Exception {
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            serverSide.process().destroyForcibly().waitFor();
            assertThatThrownBy(() -> Conversations.roundTrip(standing, "after"))
                    .isInstanceOfAny(IOException.class, AssertionError.class);
        }
        // Accepted by the client's own daemon, and then there is nobody.
        talk.isRefused();
        MeshLab.eventually(
                "the reason", () -> !clientSide.lines("io error: Connection refused").isEmpty());

        serverSide = lab.daemon(lab.server(), DaemonProcess.ours());
        MeshLab.eventually("it is served again", talk::answers);
    }
}
