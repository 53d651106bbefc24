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

/// Request and response on a fixed number of connections, one request outstanding on each.
///
/// One thread, used once. A request is answered when as many bytes came back as were sent.
final class RequestLoop implements AutoCloseable {
    private final int size;
    private final Selector selector;
    private final List<Peer> peers = new ArrayList<>();
    private final ByteBuffer request;
    private final ByteBuffer response = ByteBuffer.allocateDirect(64 * 1024);
    private final LatencyHistogram latencies = new LatencyHistogram();
    // Kept in a field: a method reference made per select would be garbage per request.
    private final Consumer<SelectionKey> onReadable = this::onReadable;
    private boolean sending = true;
    private long errors;

    private static final class Peer {
        final SocketChannel channel;
        long sentAt;
        int missing;

        Peer(SocketChannel channel) {
            this.channel = channel;
        }
    }

    RequestLoop(InetSocketAddress target, int connections, int size) throws IOException {
        this.size = size;
        this.request = ByteBuffer.allocateDirect(size);
        this.selector = Selector.open();
        for (int i = 0; i < connections; i++) {
            SocketChannel channel = SocketChannel.open();
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.socket().connect(target, 5_000);
            channel.configureBlocking(false);
            Peer peer = new Peer(channel);
            peers.add(peer);
            channel.register(selector, SelectionKey.OP_READ, peer);
        }
    }

    /// Runs for `settleNanos` unrecorded and then for `nanos`; returns the answer line.
    String run(long settleNanos, long nanos) throws IOException {
        for (Peer peer : peers) {
            send(peer);
        }
        loopUntil(System.nanoTime() + settleNanos);
        latencies.clear();
        long start = System.nanoTime();
        loopUntil(start + nanos);
        double seconds = (System.nanoTime() - start) / 1e9;
        long answered = latencies.count();
        sending = false;
        return Answer.ok()
                .with("rate", answered / seconds)
                .with("count", answered)
                .with("p50us", latencies.quantile(0.5) / 1e3)
                .with("p99us", latencies.quantile(0.99) / 1e3)
                .with("errors", errors)
                .line();
    }

    private void loopUntil(long deadline) throws IOException {
        while (System.nanoTime() < deadline) {
            selector.select(onReadable, 50);
        }
    }

    private void onReadable(SelectionKey key) {
        Peer peer = (Peer) key.attachment();
        try {
            response.clear();
            int read = peer.channel.read(response);
            if (read < 0) {
                throw new EOFException();
            }
            peer.missing -= read;
            if (peer.missing <= 0) {
                latencies.record(System.nanoTime() - peer.sentAt);
                if (sending) {
                    send(peer);
                }
            }
        } catch (IOException lost) {
            errors++;
            key.cancel();
        }
    }

    private void send(Peer peer) throws IOException {
        peer.sentAt = System.nanoTime();
        peer.missing = size;
        request.clear();
        // The socket is empty whenever a request is sent: this writes once, a kilobyte fits.
        while (request.hasRemaining()) {
            peer.channel.write(request);
        }
    }

    @Override
    public void close() throws IOException {
        for (Peer peer : peers) {
            peer.channel.close();
        }
        selector.close();
    }
}
