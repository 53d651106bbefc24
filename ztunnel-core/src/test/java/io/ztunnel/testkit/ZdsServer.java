package io.ztunnel.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.DelWorkload;
import io.ztunnel.inpod.proto.KeepWorkload;
import io.ztunnel.inpod.proto.SnapshotSent;
import io.ztunnel.inpod.proto.WorkloadInfo;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.inpod.proto.WorkloadResponse;
import io.ztunnel.inpod.proto.ZdsHello;
import io.ztunnel.net.linux.Errno;
import io.ztunnel.net.linux.SeqPacketListener;
import io.ztunnel.net.linux.SeqPacketSocket;
import io.ztunnel.net.linux.SystemCallException;
import io.ztunnel.net.linux.WakeUp;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/// The CNI node agent's side of the conversation, on a real socket and driven by the test's thread.
///
/// Every wait ends after [#PATIENCE] with an error. docs/spec/inpod-and-deployment.md 1.3 and 1.6.
public final class ZdsServer implements AutoCloseable {
    /// Longer than any machine takes, shorter than a build's patience.
    public static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final int BACKLOG = 16;

    /// More than ours, so that an answer that is too long shows.
    private static final int PACKET_LIMIT = 4096;

    private final Path path;
    private final SeqPacketListener listener;

    private ZdsServer(Path path, SeqPacketListener listener) {
        this.path = path;
        this.listener = listener;
    }

    public static ZdsServer at(Path path) throws IOException {
        Files.deleteIfExists(path);
        return new ZdsServer(path, SeqPacketListener.listen(path, BACKLOG));
    }

    /// The next connection, whatever it says first.
    public Connection accept() throws IOException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < until) {
            try {
                return new Connection(listener.accept(PACKET_LIMIT));
            } catch (SystemCallException none) {
                if (none.errno() != Errno.EAGAIN) {
                    throw none;
                }
                Thread.onSpinWait();
            }
        }
        throw new AssertionError("nobody connected");
    }

    /// The next connection, after its hello.
    public Connection greeted() throws IOException {
        Connection connection = accept();
        assertThat(ZdsHello.parseFrom(connection.packet()).getVersionValue()).isEqualTo(1);
        return connection;
    }

    /// Closes and removes the socket; connections stay.
    @Override
    public void close() throws IOException {
        listener.close();
        Files.deleteIfExists(path);
    }

    public static WorkloadInfo info(String name, String namespace, String serviceAccount) {
        return WorkloadInfo.newBuilder()
                .setName(name)
                .setNamespace(namespace)
                .setServiceAccount(serviceAccount)
                .build();
    }

    public static WorkloadRequest addOf(String uid) {
        return WorkloadRequest.newBuilder()
                .setAdd(
                        AddWorkload.newBuilder()
                                .setUid(uid)
                                .setWorkloadInfo(info("name", "ns", "sa")))
                .build();
    }

    public static WorkloadRequest keepOf(String uid) {
        return WorkloadRequest.newBuilder().setKeep(KeepWorkload.newBuilder().setUid(uid)).build();
    }

    public static WorkloadRequest deleteOf(String uid) {
        return WorkloadRequest.newBuilder().setDel(DelWorkload.newBuilder().setUid(uid)).build();
    }

    public static WorkloadRequest snapshotSent() {
        return WorkloadRequest.newBuilder()
                .setSnapshotSent(SnapshotSent.getDefaultInstance())
                .build();
    }

    /// One client.
    public static final class Connection implements AutoCloseable {
        private final SeqPacketSocket socket;
        private final WakeUp wakeUp;

        Connection(SeqPacketSocket socket) throws IOException {
            this.socket = socket;
            this.wakeUp = WakeUp.open();
        }

        /// Sends, and gives the error of the answer: empty when all went well.
        public String ask(WorkloadRequest request, int... descriptors) throws IOException {
            return askRaw(request.toByteArray(), descriptors);
        }

        /// As [#ask], with bytes that need not be a message.
        public String askRaw(byte[] packet, int... descriptors) throws IOException {
            send(packet, descriptors);
            return answer();
        }

        public void send(byte[] packet, int... descriptors) throws IOException {
            SeqPacketListener.send(socket, packet, descriptors);
        }

        public String answer() throws IOException {
            byte[] packet = packet();
            assertThat(packet.length).as("bytes of an answer").isLessThanOrEqualTo(1024);
            return WorkloadResponse.parseFrom(packet).getAck().getError();
        }

        /// The next packet as it is.
        ///
        /// @throws EOFException when the client has closed
        public byte[] packet() throws IOException {
            long until = System.nanoTime() + PATIENCE.toNanos();
            while (System.nanoTime() < until) {
                wakeUp.await(socket, 100);
                SeqPacketSocket.Packet packet = socket.receive();
                if (packet != null) {
                    assertThat(packet.descriptors()).as("a client sends none").isEmpty();
                    if (packet.ended()) {
                        throw new EOFException();
                    }
                    return packet.bytes();
                }
            }
            throw new AssertionError("the client said nothing");
        }

        /// Whether the client has said nothing so far, which it must not do unasked.
        public boolean isSilent() throws IOException {
            return !wakeUp.await(socket, 0);
        }

        /// Fails unless the client closes.
        public void expectClosed() throws IOException {
            try {
                byte[] packet = packet();
                throw new AssertionError(
                        "instead of closing, the client sent " + packet.length + " bytes");
            } catch (EOFException expected) {
                // What was asked for.
            }
        }

        @Override
        public void close() throws IOException {
            wakeUp.close();
            socket.close();
        }
    }
}
