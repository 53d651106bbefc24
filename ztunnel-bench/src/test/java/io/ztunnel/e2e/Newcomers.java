package io.ztunnel.e2e;

import io.ztunnel.testkit.Namespace;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A stream of new connections to an echo server; each says a word, hears it and ends.
///
/// Connections are opened by the clock, not when earlier ones have ended, so that a stall hides
/// nobody. Runs on a thread of its own until closed; results may be read after that.
final class Newcomers implements AutoCloseable {
    private static final byte[] WORD = {'h', 'e', 'l', 'l', 'o'};
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);

    /// What a stall of four seconds leaves waiting at 500 per second.
    private static final int MOST_OPEN = 2_000;

    private final Namespace from;
    private final InetSocketAddress to;
    private final long everyNanos;
    private final Selector selector = Selector.open();
    private final ByteBuffer heard = ByteBuffer.allocate(16);
    private final List<String> failures = new ArrayList<>();
    private final Thread thread = new Thread(this::run, "newcomers");
    private final long start = System.nanoTime();
    private volatile boolean ending;
    private final List<Long> micros = new ArrayList<>();
    private long slowest;
    private long late;
    private long slowestBegan;
    private long end;

    /// @param perSecond the machine may make it fewer
    Newcomers(Namespace from, InetSocketAddress to, int perSecond) throws IOException {
        this.from = from;
        this.to = to;
        this.everyNanos = TimeUnit.SECONDS.toNanos(1) / perSecond;
        thread.start();
    }

    private void run() {
        long next = start;
        try {
            while (!ending || !selector.keys().isEmpty()) {
                long now = System.nanoTime();
                while (!ending && now - next >= 0) {
                    next += everyNanos;
                    if (selector.keys().size() < MOST_OPEN) {
                        open(now);
                    } else {
                        late++;
                    }
                }
                selector.select(this::onReady, 1);
                giveUp(now);
            }
        } catch (IOException broken) {
            failures.add("the test itself: " + broken);
        }
        end = System.nanoTime();
    }

    private void open(long now) throws IOException {
        SocketChannel channel = from.inside(Newcomers::unconnected);
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT, (Long) now);
        try {
            if (channel.connect(to)) {
                speak(key, channel);
            }
        } catch (IOException refused) {
            failed(key, refused);
        }
    }

    private void onReady(SelectionKey key) {
        SocketChannel channel = (SocketChannel) key.channel();
        try {
            if (key.isConnectable()) {
                channel.finishConnect();
                speak(key, channel);
            } else {
                listen(key, channel);
            }
        } catch (IOException lost) {
            failed(key, lost);
        }
    }

    private static void speak(SelectionKey key, SocketChannel channel) throws IOException {
        key.interestOps(SelectionKey.OP_READ);
        channel.write(ByteBuffer.wrap(WORD));
    }

    /// The echo of so few bytes comes in one piece.
    private void listen(SelectionKey key, SocketChannel channel) throws IOException {
        heard.clear();
        if (channel.read(heard) < WORD.length) {
            throw new EOFException("heard only " + heard.position() + " bytes");
        }
        long begun = (Long) key.attachment();
        long took = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - begun);
        if (took > slowest) {
            slowest = took;
            slowestBegan = TimeUnit.NANOSECONDS.toMillis(begun - start);
        }
        micros.add(took);
        key.cancel();
        channel.close();
    }

    private void giveUp(long now) {
        for (SelectionKey key : selector.keys()) {
            if (key.isValid() && now - (Long) key.attachment() > PATIENCE) {
                failed(key, new IOException("no answer"));
            }
        }
    }

    private void failed(SelectionKey key, IOException how) {
        long begun = (Long) key.attachment() - start;
        failures.add(
                "begun %d ms, ended %d ms after the start: %s"
                        .formatted(
                                TimeUnit.NANOSECONDS.toMillis(begun),
                                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
                                how));
        key.cancel();
        try {
            key.channel().close();
        } catch (IOException closedAnyway) {
            failures.add("closing: " + closedAnyway);
        }
    }

    private static SocketChannel unconnected() {
        try {
            return SocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /// Nanoseconds of this clock are what failures are told in.
    long millisSinceStart() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    }

    /// How the connections ended that did not hear their word.
    List<String> failures() {
        return failures;
    }

    long served() {
        return micros.size();
    }

    @Override
    public String toString() {
        return """
        new connections %d (%d/s), failed %d, not opened for want of room %d, \
        p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, slowest %.1f ms (begun after %d ms)\
        """
                .formatted(
                        served(),
                        served() * 1_000 / Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - start)),
                        failures.size(),
                        late,
                        millisAt(0.5),
                        millisAt(0.99),
                        millisAt(0.999),
                        slowest / 1e3,
                        slowestBegan);
    }

    private double millisAt(double part) {
        List<Long> sorted = micros.stream().sorted().toList();
        return sorted.isEmpty() ? 0 : sorted.get((int) (part * (sorted.size() - 1))) / 1e3;
    }

    /// Opens no more and waits for those that are open.
    @Override
    public void close() throws IOException {
        ending = true;
        try {
            thread.join();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        selector.close();
    }
}
