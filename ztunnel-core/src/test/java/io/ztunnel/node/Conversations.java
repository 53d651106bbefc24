package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.Pod;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// What TCP programs do to each other, whatever carries them.
///
/// @param client where the client runs
/// @param server the address of an echo server on port 8080
public record Conversations(Namespace client, InetAddress server) {
    public static final int ECHO = 8080;

    public Socket open() throws IOException {
        return Application.connect(client, server, ECHO);
    }

    /// One round trip on a new connection.
    public void roundTrip() throws IOException {
        try (Socket socket = open()) {
            roundTrip(socket, "hello world");
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    /// Whether a round trip succeeds now.
    public boolean answers() {
        try {
            roundTrip();
            return true;
        } catch (IOException | AssertionError refused) {
            return false;
        }
    }

    public static void roundTrip(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(US_ASCII));
        byte[] answer = socket.getInputStream().readNBytes(text.length());
        assertThat(new String(answer, US_ASCII)).isEqualTo(text);
    }

    /// Whether a connection still carries bytes both ways.
    public static boolean stands(Socket socket, String text) {
        try {
            roundTrip(socket, text);
            return true;
        } catch (IOException | AssertionError over) {
            return false;
        }
    }

    /// Whether a pod reaches the echo server of another on a new connection.
    public static boolean opens(Pod from, Pod to) {
        try {
            new Conversations(from.namespace(), to.ipv4()).roundTrip();
            return true;
        } catch (IOException | AssertionError refused) {
            return false;
        }
    }

    /// All bytes go and come back, in order, also after the client has ended its side.
    public void everyByteComesBackAfterHalfClose(int size) throws Exception {
        byte[] sent = Application.bytes(size);
        try (Socket socket = open()) {
            Thread writer =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            OutputStream out = socket.getOutputStream();
                                            out.write(sent);
                                            socket.shutdownOutput();
                                        } catch (IOException broken) {
                                            // The reader says what is missing.
                                        }
                                    });
            byte[] received = socket.getInputStream().readAllBytes();
            writer.join();
            assertThat(received).isEqualTo(sent);
        }
    }

    /// A reader that takes its time gets everything, although all others have finished long ago.
    public void aSlowReaderGetsEverything(int size) throws Exception {
        byte[] sent = Application.bytes(size);
        try (Socket socket = open()) {
            socket.setReceiveBufferSize(16 * 1024);
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
            InputStream in = socket.getInputStream();
            byte[] received = new byte[size];
            int at = 0;
            while (at < size) {
                int read = in.read(received, at, Math.min(32 * 1024, size - at));
                if (read < 0) {
                    break;
                }
                at += read;
                Thread.onSpinWait();
            }
            writer.join();
            assertThat(at).isEqualTo(size);
            assertThat(received).isEqualTo(sent);
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    /// Many at once, each with its own bytes.
    public void manyAtOnce(int connections) throws Exception {
        List<Socket> sockets = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
            List<Future<Socket>> opening = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                opening.add(threads.submit(this::open));
            }
            for (Future<Socket> each : opening) {
                sockets.add(each.get());
            }
            List<Future<?>> talking = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                Socket socket = sockets.get(i);
                String text = "connection number " + i;
                talking.add(
                        threads.submit(
                                () -> {
                                    roundTrip(socket, text);
                                    return null;
                                }));
            }
            for (Future<?> each : talking) {
                each.get();
            }
        } finally {
            MeshLab.closeAll(sockets);
        }
    }

    /// Somebody on the way says no: the client, which has said something, is reset.
    public void isRefused() {
        assertThatThrownBy(
                        () -> {
                            try (Socket socket = open()) {
                                socket.getOutputStream().write("hello".getBytes(US_ASCII));
                                if (socket.getInputStream().read() < 0) {
                                    throw new SocketException("ended without a word");
                                }
                            }
                        })
                .isInstanceOf(SocketException.class);
    }
}
