package io.ztunnel.node;

import io.ztunnel.testkit.Namespace;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A port in a namespace that leads to a server in the test's own process. Daemons see only the
/// namespace, and the test turns the server's knobs. It can be shut, and opened again.
public final class Passage implements AutoCloseable {
    private final Namespace namespace;
    private final int port;
    private final InetSocketAddress server;
    private final Set<SocketChannel> passing = ConcurrentHashMap.newKeySet();
    private ServerSocketChannel door;

    /// Open.
    ///
    /// @param port where the daemons find it, unique in the namespace
    /// @param serverPort on this machine's loopback
    public Passage(Namespace namespace, int port, int serverPort) {
        this.namespace = namespace;
        this.port = port;
        this.server = new InetSocketAddress("127.0.0.1", serverPort);
        open();
    }

    public void open() {
        door = Application.serve(namespace, port, this::pass);
    }

    /// Refuses connections, and ends those there are.
    public void shut() throws IOException {
        door.close();
        for (SocketChannel each : passing) {
            each.close();
        }
        passing.clear();
    }

    private void pass(SocketChannel from) {
        try (from;
                SocketChannel to = SocketChannel.open(server)) {
            passing.add(from);
            passing.add(to);
            Application.join(from, to);
            passing.remove(from);
            passing.remove(to);
        } catch (IOException | InterruptedException over) {
            // Whoever asked sees a connection that ended.
        }
    }

    @Override
    public void close() throws IOException {
        shut();
    }
}
