package io.ztunnel.bench.load;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Opens connection after connection; each carries one byte there and back, so that the whole path
/// behind it exists, and is then closed or kept.
///
/// One thread, used once.
final class ConnectLoop implements AutoCloseable {
    private static final byte[] ONE_BYTE = {'x'};
    private static final int MOST_ERRORS = 1_000;

    private final InetSocketAddress target;
    private final boolean keep;
    private final Selector selector = Selector.open();
    private final ByteBuffer request = ByteBuffer.allocateDirect(1).put(ONE_BYTE).flip();
    private final ByteBuffer response = ByteBuffer.allocateDirect(16);
    private final LatencyHistogram latencies = new LatencyHistogram();
    private final List<SocketChannel> kept = new ArrayList<>();
    private final Consumer<SelectionKey> onReady = this::onReady;
    private long toOpen;
    private int open;
    private long errors;

    /// @param keep whether finished connections stay open until [#close]
    ConnectLoop(InetSocketAddress target, boolean keep) throws IOException {
        this.target = target;
        this.keep = keep;
    }

    /// Opens up to `total` connections, `parallel` at a time, for at most `nanos`; returns the
    /// answer line.
    String run(int parallel, long total, long nanos) throws IOException {
        toOpen = total;
        long start = System.nanoTime();
        long deadline = start + nanos;
        while (System.nanoTime() < deadline && errors < MOST_ERRORS) {
            while (open < parallel && toOpen > 0) {
                dial();
            }
            if (open == 0) {
                break;
            }
            selector.select(onReady, 50);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        return Answer.ok()
                .with("rate", latencies.count() / seconds)
                .with("count", latencies.count())
                .with("p50us", latencies.quantile(0.5) / 1e3)
                .with("p99us", latencies.quantile(0.99) / 1e3)
                .with("errors", errors)
                .line();
    }

    private void dial() throws IOException {
        SocketChannel channel = SocketChannel.open();
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        toOpen--;
        open++;
        SelectionKey key =
                channel.register(selector, SelectionKey.OP_CONNECT, (Long) System.nanoTime());
        try {
            if (channel.connect(target)) {
                onConnected(key, channel);
            }
        } catch (IOException refused) {
            failed(key, channel);
        }
    }

    private void onReady(SelectionKey key) {
        SocketChannel channel = (SocketChannel) key.channel();
        try {
            if (key.isConnectable()) {
                channel.finishConnect();
                onConnected(key, channel);
            } else if (key.isReadable()) {
                onAnswer(key, channel);
            }
        } catch (IOException lost) {
            failed(key, channel);
        }
    }

    private void onConnected(SelectionKey key, SocketChannel channel) throws IOException {
        key.interestOps(SelectionKey.OP_READ);
        request.rewind();
        channel.write(request);
    }

    private void onAnswer(SelectionKey key, SocketChannel channel) throws IOException {
        response.clear();
        if (channel.read(response) < 0) {
            throw new EOFException();
        }
        latencies.record(System.nanoTime() - (Long) key.attachment());
        open--;
        key.cancel();
        if (keep) {
            kept.add(channel);
        } else {
            channel.close();
        }
    }

    private void failed(SelectionKey key, SocketChannel channel) {
        errors++;
        open--;
        key.cancel();
        try {
            channel.close();
        } catch (IOException alreadyGone) {
            // It failed and is not needed any more; there is nothing to save.
        }
    }

    @Override
    public void close() throws IOException {
        for (SocketChannel channel : kept) {
            channel.close();
        }
        for (SelectionKey key : selector.keys()) {
            key.channel().close();
        }
        selector.close();
    }
}
