package io.ztunnel.node;

import io.ztunnel.testkit.Namespace;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.function.Consumer;

/// Ordinary TCP programs in a pod: their sockets are born in its namespace, so they can run here.
public final class Application {
    /// The usual port of [#mirror].
    public static final int MIRROR = 8082;

    private Application() {}

    /// Serves each connection on a thread of its own, until the channel is closed.
    public static ServerSocketChannel serve(
            Namespace pod, int port, Consumer<SocketChannel> program) {
        try {
            ServerSocketChannel listener = pod.inside(Application::openServer);
            listener.bind(new InetSocketAddress(port));
            Thread.ofPlatform().daemon().start(() -> accept(listener, program));
            return listener;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static void accept(ServerSocketChannel listener, Consumer<SocketChannel> program) {
        try {
            while (true) {
                SocketChannel accepted = listener.accept();
                Thread.ofPlatform().daemon().start(() -> program.accept(accepted));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    /// Gives back what it gets; when the other side is done, so is it.
    public static void echo(SocketChannel connection) {
        try (connection) {
            ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
            while (connection.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    connection.write(buffer);
                }
                buffer.clear();
            }
        } catch (IOException reset) {
            // Its client went away.
        }
    }

    /// Writes the address that the connection appears to come from, and ends it.
    public static void mirror(SocketChannel connection) {
        try (connection) {
            InetSocketAddress peer = (InetSocketAddress) connection.getRemoteAddress();
            connection
                    .socket()
                    .getOutputStream()
                    .write(peer.getAddress().getHostAddress().getBytes(StandardCharsets.US_ASCII));
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    /// A program that passes everything on to a server, which it reaches from its own pod.
    public static Consumer<SocketChannel> forwarding(Namespace from, InetSocketAddress to) {
        return accepted -> join(accepted, from, to);
    }

    private static void join(SocketChannel accepted, Namespace from, InetSocketAddress to) {
        try (accepted;
                SocketChannel server = from.inside(Application::openClient)) {
            server.connect(to);
            join(accepted, server);
        } catch (IOException | InterruptedException over) {
            // Whoever connected sees an end.
        }
    }

    /// Passes bytes both ways until both sides have ended.
    public static void join(SocketChannel one, SocketChannel other) throws InterruptedException {
        Thread back = Thread.ofPlatform().daemon().start(() -> pump(other, one));
        pump(one, other);
        back.join();
    }

    private static void pump(SocketChannel from, SocketChannel to) {
        ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
        try {
            while (from.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
                buffer.clear();
            }
            to.shutdownOutput();
        } catch (IOException over) {
            try {
                to.close();
            } catch (IOException ignored) {
                // It is of no use any more either way.
            }
        }
    }

    /// Answers each connection's first request with one page, as a web server would.
    public static void page(SocketChannel connection) {
        try (connection) {
            InputStream in = connection.socket().getInputStream();
            int newlines = 0;
            for (int next = in.read(); next >= 0 && newlines < 2; ) {
                newlines = next == '\n' ? newlines + 1 : next == '\r' ? newlines : 0;
                if (newlines < 2) {
                    next = in.read();
                }
            }
            connection
                    .socket()
                    .getOutputStream()
                    .write(
                            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n"
                                    .getBytes(StandardCharsets.US_ASCII));
        } catch (IOException reset) {
            // Its client went away.
        }
    }

    public static Socket connect(Namespace pod, InetAddress address, int port) throws IOException {
        SocketChannel channel = pod.inside(Application::openClient);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.connect(new InetSocketAddress(address, port));
        Socket socket = channel.socket();
        socket.setSoTimeout(30_000);
        return socket;
    }

    /// Bytes that are not the same anywhere.
    public static byte[] bytes(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    private static ServerSocketChannel openServer() {
        try {
            return ServerSocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static SocketChannel openClient() {
        try {
            return SocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
