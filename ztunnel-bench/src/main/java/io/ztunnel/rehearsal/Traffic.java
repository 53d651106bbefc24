package io.ztunnel.rehearsal;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// What goes through the daemon: many short connections, small messages, a few large transfers.
///
/// Counted, not timed: every recording sees the same, however fast the machine is.
final class Traffic {
    private static final int CLIENTS = 8;
    private static final int CONNECTIONS_PER_CLIENT = 400;
    private static final int MESSAGES = 8;
    private static final int MESSAGE = 1024;
    private static final int TRANSFERS = 4;
    private static final int CHUNK = 64 * 1024;
    private static final int CHUNKS = 1024;
    private static final int PATIENCE_MILLIS = 30_000;

    private final Proxy proxy;
    private final InetSocketAddress application;

    Traffic(InetSocketAddress socks, InetSocketAddress application) {
        this.proxy = new Proxy(Proxy.Type.SOCKS, socks);
        this.application = application;
    }

    void run() throws IOException, RehearsalFailed {
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                all.add(clients.submit(() -> call(CONNECTIONS_PER_CLIENT)));
            }
            for (int i = 0; i < TRANSFERS; i++) {
                all.add(clients.submit(this::transfer));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } catch (ExecutionException failed) {
            throw new RehearsalFailed("traffic failed: " + failed.getCause(), failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new RehearsalFailed("interrupted", interrupted);
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(proxy);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(application, PATIENCE_MILLIS);
        return socket;
    }

    private Void call(int connections) throws IOException {
        byte[] message = new byte[MESSAGE];
        for (int i = 0; i < connections; i++) {
            Arrays.fill(message, (byte) i);
            try (Socket socket = connect()) {
                for (int j = 0; j < MESSAGES; j++) {
                    socket.getOutputStream().write(message);
                    byte[] back = socket.getInputStream().readNBytes(MESSAGE);
                    if (!Arrays.equals(message, back)) {
                        throw new IOException("other bytes came back than were sent");
                    }
                }
            }
        }
        return null;
    }

    /// There and back at once, then half-closed to the end.
    private Void transfer() throws IOException {
        byte[] chunk = new byte[CHUNK];
        try (Socket socket = connect()) {
            Thread writer =
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        try {
                                            for (int i = 0; i < CHUNKS; i++) {
                                                socket.getOutputStream().write(chunk);
                                            }
                                            socket.shutdownOutput();
                                        } catch (IOException lost) {
                                            // The reader counts what came.
                                        }
                                    });
            long expected = (long) CHUNK * CHUNKS;
            byte[] back = new byte[CHUNK];
            long received = 0;
            for (int n = socket.getInputStream().read(back);
                    n >= 0;
                    n = socket.getInputStream().read(back)) {
                received += n;
            }
            writer.interrupt();
            if (received != expected) {
                throw new IOException(received + " bytes came back of " + expected);
            }
        }
        return null;
    }
}
