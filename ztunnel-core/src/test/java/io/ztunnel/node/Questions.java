package io.ztunnel.node;

import io.ztunnel.testkit.Namespace;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Asks for one name again and again, each time once and from another port, and counts what is not
/// answered. A thread of its own.
final class Questions implements AutoCloseable {
    private static final long PAUSE_NANOS = 1_000_000;
    private static final int PATIENCE_MILLIS = 3_000;

    private final Namespace pod;
    private final InetSocketAddress server;
    private final byte[] question;
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopped;

    Questions(Namespace pod, InetSocketAddress server, String label) {
        this.pod = pod;
        this.server = server;
        this.question = question(label);
        thread = Thread.ofPlatform().daemon().start(this::run);
    }

    private static byte[] question(String label) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte) label.length()});
        out.writeBytes(label.getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(new byte[] {0, 0, 1, 0, 1});
        return out.toByteArray();
    }

    private void run() {
        while (!stopped) {
            try {
                (isAnswered() ? answered : lost).incrementAndGet();
            } catch (IOException refused) {
                lost.incrementAndGet();
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private boolean isAnswered() throws IOException {
        try (DatagramChannel socket = pod.inside(Questions::open)) {
            socket.configureBlocking(false);
            socket.connect(server);
            socket.write(ByteBuffer.wrap(question));
            ByteBuffer answer = ByteBuffer.allocate(512);
            long deadline = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
            while (socket.read(answer) == 0) {
                if (System.nanoTime() > deadline) {
                    return false;
                }
                LockSupport.parkNanos(100_000);
            }
            return (answer.get(3) & 15) == 0 && answer.get(7) == 1;
        }
    }

    private static DatagramChannel open() {
        try {
            return DatagramChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    long answered() {
        return answered.get();
    }

    long lost() {
        return lost.get();
    }

    void stop() throws InterruptedException {
        stopped = true;
        thread.join();
    }

    @Override
    public void close() {
        try {
            stop();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }
}
