package io.ztunnel.bench.load;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;

/// The application in the destination pod: sends back what it receives.
///
/// One thread, until the process ends. Listens from construction on, on every address.
final class EchoLoop implements Runnable {
    private static final int BACKLOG = 4_096;

    private final Selector selector = Selector.open();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);
    private final Consumer<SelectionKey> onReady = this::onReady;

    EchoLoop(int port) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(port), BACKLOG);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
    }

    @Override
    public void run() {
        try {
            while (true) {
                selector.select(onReady);
            }
        } catch (IOException broken) {
            System.err.println("the echo loop ended: " + broken);
        }
    }

    private void onReady(SelectionKey key) {
        try {
            if (key.isAcceptable()) {
                accept((ServerSocketChannel) key.channel());
            } else {
                echo(key, (SocketChannel) key.channel());
            }
        } catch (IOException lost) {
            try {
                key.channel().close();
            } catch (IOException alreadyGone) {
                // The connection is lost either way.
            }
        }
    }

    private void accept(ServerSocketChannel server) throws IOException {
        SocketChannel channel = server.accept();
        while (channel != null) {
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.register(selector, SelectionKey.OP_READ);
            channel = server.accept();
        }
    }

    private void echo(SelectionKey key, SocketChannel channel) throws IOException {
        @Nullable ByteBuffer unsent = (ByteBuffer) key.attachment();
        if (unsent == null) {
            buffer.clear();
            if (channel.read(buffer) < 0) {
                channel.close();
                return;
            }
            buffer.flip();
            channel.write(buffer);
            if (buffer.hasRemaining()) {
                // Only a client that does not read gets here; no benchmark of ours does.
                key.attach(ByteBuffer.allocate(buffer.remaining()).put(buffer).flip());
                key.interestOps(SelectionKey.OP_WRITE);
            }
        } else {
            channel.write(unsent);
            if (!unsent.hasRemaining()) {
                key.attach(null);
                key.interestOps(SelectionKey.OP_READ);
            }
        }
    }
}
