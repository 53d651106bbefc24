package io.ztunnel.net.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Real sockets and real descriptors.
@Timeout(30)
class SeqPacketSocketTest {
    private static final int LIMIT = 1024;

    @TempDir private Path folder;

    private SeqPacketListener listener;
    private SeqPacketSocket client;
    private SeqPacketSocket server;

    @BeforeEach
    void connect() throws IOException {
        Path path = folder.resolve("s");
        listener = SeqPacketListener.listen(path, 1);
        client = SeqPacketSocket.connect(path, LIMIT);
        server = listener.accept(LIMIT);
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
        listener.close();
    }

    @Test
    void packetsKeepTheirBounds() throws IOException {
        SeqPacketListener.send(server, new byte[] {1, 2});
        SeqPacketListener.send(server, new byte[] {3});

        assertThat(client.receive().bytes()).containsExactly(1, 2);
        assertThat(client.receive().bytes()).containsExactly(3);
        assertThat(client.receive()).as("nothing there yet").isNull();
    }

    @Test
    void theUserAtTheOtherEndIsKnown() throws IOException {
        assertThat(client.peerUser()).isEqualTo(client.ownUser());
    }

    @Test
    void whatIsSentArrives() throws IOException {
        client.send(new byte[] {8, 1});

        assertThat(server.receive().bytes()).containsExactly(8, 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void descriptorsThatFitArriveAndAreClosedOnExec(int count) throws IOException {
        SeqPacketListener.send(server, new byte[] {1}, descriptors(count));

        SeqPacketSocket.Packet packet = client.receive();

        assertThat(packet.descriptors()).hasSize(count);
        assertThat(packet.cut()).isFalse();
        for (int descriptor : packet.descriptors()) {
            assertThat(LibC.fstat(descriptor)).isEqualTo(LibC.fstat(server.descriptor()));
            assertThat(Files.readString(Path.of("/proc/self/fdinfo/" + descriptor)))
                    .as("O_CLOEXEC")
                    .containsPattern("flags:\\s*02\\d{6}");
            LibC.close(descriptor);
        }
    }

    @Test
    void threeDescriptorsAreCutToTwoAndSaidToBe() throws IOException {
        SeqPacketListener.send(server, new byte[] {1}, descriptors(3));

        SeqPacketSocket.Packet packet = client.receive();

        assertThat(packet.cut()).isTrue();
        assertThat(packet.descriptors()).hasSize(2);
        closeAll(packet);
    }

    @Test
    void descriptorsOfEarlierPacketsDoNotShowAgain() throws IOException {
        SeqPacketListener.send(server, new byte[] {1}, descriptors(2));
        SeqPacketListener.send(server, new byte[] {2});

        closeAll(client.receive());

        assertThat(client.receive().descriptors()).isEmpty();
    }

    @Test
    void aPacketOfTheLimitIsWholeAndALongerOneIsCut() throws IOException {
        byte[] longer = new byte[LIMIT + 1];
        Arrays.fill(longer, (byte) 7);
        SeqPacketListener.send(server, Arrays.copyOf(longer, LIMIT));
        SeqPacketListener.send(server, longer);

        assertThat(client.receive().cut()).isFalse();
        SeqPacketSocket.Packet packet = client.receive();
        assertThat(packet.cut()).isTrue();
        assertThat(packet.bytes()).hasSize(LIMIT);
    }

    @Test
    void aCutPacketStillHandsItsDescriptorOver() throws IOException {
        SeqPacketListener.send(server, new byte[LIMIT + 1], descriptors(1));

        SeqPacketSocket.Packet packet = client.receive();

        assertThat(packet.cut()).isTrue();
        assertThat(packet.descriptors()).hasSize(1);
        closeAll(packet);
    }

    @Test
    void theEndOfThePeerIsAnEnd() throws IOException {
        server.close();

        SeqPacketSocket.Packet packet = client.receive();

        assertThat(packet.ended()).isTrue();
        assertThat(packet.bytes()).isEmpty();
    }

    @Test
    void anEmptyPacketWithADescriptorLooksLikeTheEndAndHandsItOver() throws IOException {
        SeqPacketListener.send(server, new byte[0], descriptors(1));

        SeqPacketSocket.Packet packet = client.receive();

        assertThat(packet.ended()).isTrue();
        assertThat(packet.descriptors()).hasSize(1);
        closeAll(packet);
    }

    @Test
    void sendingToAPeerThatIsGoneFailsWithoutASignal() throws IOException {
        server.close();

        assertThatThrownBy(() -> client.send(new byte[] {1}))
                .isInstanceOf(SystemCallException.class)
                .hasMessageContaining("send");
    }

    @Test
    void sendingToAPeerThatDoesNotReadFailsInsteadOfWaiting() {
        assertThatThrownBy(
                        () -> {
                            for (int packet = 0; packet < 100_000; packet++) {
                                client.send(new byte[LIMIT]);
                            }
                        })
                .isInstanceOfSatisfying(
                        SystemCallException.class,
                        failed -> assertThat(failed.errno()).isEqualTo(Errno.EAGAIN));
    }

    @Test
    void connectingWhereNothingIsFails() {
        assertThatThrownBy(() -> SeqPacketSocket.connect(folder.resolve("none"), LIMIT))
                .isInstanceOfSatisfying(
                        SystemCallException.class,
                        failed -> assertThat(failed.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void connectingToASocketNobodyListensOnFails() throws IOException {
        listener.close();
        listener = SeqPacketListener.listen(folder.resolve("other"), 1);

        assertThatThrownBy(() -> SeqPacketSocket.connect(folder.resolve("s"), LIMIT))
                .isInstanceOfSatisfying(
                        SystemCallException.class,
                        failed -> assertThat(failed.errno()).isEqualTo(Errno.ECONNREFUSED));
    }

    @Test
    void aFullQueueIsAFailureAndNotAConnectionUnderWay() throws IOException {
        List<SeqPacketSocket> queued = new ArrayList<>();
        try {
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 10; i++) {
                                    queued.add(SeqPacketSocket.connect(folder.resolve("s"), LIMIT));
                                }
                            })
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            failed -> assertThat(failed.errno()).isEqualTo(Errno.EAGAIN));
        } finally {
            for (SeqPacketSocket socket : queued) {
                socket.close();
            }
        }
    }

    @Test
    void aNameThatIsTooLongIsRefused() {
        assertThatThrownBy(() -> SeqPacketSocket.connect(Path.of("/" + "x".repeat(107)), LIMIT))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aWaitEndsWithAPacketASignalOrTheTime() throws Exception {
        try (WakeUp wakeUp = WakeUp.open()) {
            assertThat(wakeUp.await(client, 0)).as("time").isFalse();

            SeqPacketListener.send(server, new byte[] {1});
            assertThat(wakeUp.await(client, 30_000)).as("packet").isTrue();
            client.receive();

            Thread other = Thread.ofPlatform().start(wakeUp::signal);
            assertThat(wakeUp.await(client, 30_000)).as("signal").isFalse();
            other.join();

            wakeUp.signal();
            wakeUp.signal();
            wakeUp.await(30_000);
            server.close();
            assertThat(wakeUp.await(client, 30_000)).as("end").isTrue();
        }
    }

    @Test
    void aSignalAfterTheEndDoesNothing() throws IOException {
        WakeUp wakeUp = WakeUp.open();
        wakeUp.close();
        wakeUp.close();

        wakeUp.signal();
    }

    private int[] descriptors(int count) {
        int[] all = new int[count];
        Arrays.fill(all, server.descriptor());
        return all;
    }

    private static void closeAll(SeqPacketSocket.Packet packet) throws IOException {
        for (int descriptor : packet.descriptors()) {
            LibC.close(descriptor);
        }
    }
}
