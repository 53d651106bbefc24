package io.ztunnel.xds;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// A network between client and server that can be cut in the middle of a message.
final class CuttingRelay implements AutoCloseable {
    private final ServerSocket listener;
    private final int target;
    private final AtomicInteger connections = new AtomicInteger();
    private volatile int frozen;
    private final AtomicLong downAllowance = new AtomicLong(Long.MAX_VALUE);

    CuttingRelay(int target) {
        this.target = target;
        try {
            listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        Thread.ofPlatform().daemon().start(this::accept);
    }

    URI address() {
        return URI.create("https://127.0.0.1:" + listener.getLocalPort());
    }

    /// Resets the connection once so many more bytes went to the client; connections after that one
    /// are whole.
    void cutAfter(long bytes) {
        downAllowance.set(bytes);
    }

    /// Swallows whatever comes over the connections there are, without closing them; later ones are
    /// whole.
    void freeze() {
        frozen = connections.get();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                int number = connections.incrementAndGet();
                Thread.ofPlatform().daemon().start(() -> pump(client, server, number, false));
                Thread.ofPlatform().daemon().start(() -> pump(server, client, number, true));
            }
        } catch (IOException closed) {
            assert listener.isClosed() || closed != null;
        }
    }

    private void pump(Socket from, Socket to, int number, boolean down) {
        byte[] buffer = new byte[16_384];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            int count;
            while ((count = in.read(buffer)) >= 0) {
                if (down && downAllowance.addAndGet(-count) < 0) {
                    downAllowance.set(Long.MAX_VALUE);
                    to.setSoLinger(true, 0);
                    return;
                }
                if (number > frozen) {
                    out.write(buffer, 0, count);
                }
            }
        } catch (IOException over) {
            assert over != null;
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }
}
