package io.ztunnel.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// Blocking sockets of the JDK as the other side; `SocketChannel.open` makes the socket, so it is
/// born where it is called.
final class Peers {
    private Peers() {}

    static SocketChannel unconnected() {
        try {
            return SocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    static ServerSocketChannel unbound() {
        try {
            return ServerSocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    static SocketChannel connect(Netns netns, InetSocketAddress to) throws IOException {
        SocketChannel client = netns.call(Peers::unconnected);
        client.socket().connect(to, 10_000);
        client.socket().setSoTimeout(10_000);
        return client;
    }

    static ServerSocketChannel listen(Netns netns, InetSocketAddress on) throws IOException {
        ServerSocketChannel server = netns.call(Peers::unbound);
        server.bind(on);
        server.socket().setSoTimeout(10_000);
        return server;
    }

    /// Sends one byte and waits for one.
    static byte pingPong(SocketChannel client, int value) throws IOException {
        client.write(ByteBuffer.wrap(new byte[] {(byte) value}));
        int answer = client.socket().getInputStream().read();
        if (answer < 0) {
            throw new IOException("closed instead of an answer");
        }
        return (byte) answer;
    }
}
