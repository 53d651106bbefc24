package io.ztunnel.bench.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Connections that say much and read nothing of the answer, until everything between here and
/// there is full. They stay so until [#close]. One thread.
final class StallLoop implements AutoCloseable {
    private static final long QUIET = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(5);
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(1);

    private final List<SocketChannel> channels = new ArrayList<>();
    private final ByteBuffer some = ByteBuffer.allocateDirect(64 * 1024);

    StallLoop(InetSocketAddress target, int connections) throws IOException {
        for (int i = 0; i < connections; i++) {
            SocketChannel channel = SocketChannel.open();
            channels.add(channel);
            channel.socket().connect(target, 5_000);
            channel.configureBlocking(false);
        }
    }

    /// Writes until nothing moves any more, or for five seconds; returns the answer line.
    String fill() throws IOException {
        long start = System.nanoTime();
        long moved = start;
        long bytes = 0;
        while (System.nanoTime() - moved < QUIET && System.nanoTime() - start < PATIENCE) {
            for (SocketChannel channel : channels) {
                int written = channel.write(some.clear());
                if (written > 0) {
                    bytes += written;
                    moved = System.nanoTime();
                }
            }
            LockSupport.parkNanos(PAUSE);
        }
        return Answer.ok().with("bytes", bytes).line();
    }

    @Override
    public void close() throws IOException {
        for (SocketChannel channel : channels) {
            channel.close();
        }
    }
}
