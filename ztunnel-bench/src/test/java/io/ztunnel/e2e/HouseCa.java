package io.ztunnel.e2e;

import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer;
import io.ztunnel.ca.testkit.NodeAuthorizer.Caller;
import io.ztunnel.node.Application;
import io.ztunnel.node.MeshLab;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A CA whose knobs the test turns while daemons use it: it runs in the test, and a relay in the
/// laboratory's fabric leads to it. It can also be unreachable.
final class HouseCa implements AutoCloseable {
    private final MeshLab lab;
    private final int port;
    private final Path rootFile;
    private final LocalCa ca;
    private final Set<SocketChannel> relayed = ConcurrentHashMap.newKeySet();
    private ServerSocketChannel door;

    /// @param root signs; several of them may share one
    /// @param port where the daemons find it, unique in the laboratory
    HouseCa(MeshLab lab, IssuingCa root, String trustDomain, int port) throws IOException {
        this.lab = lab;
        this.port = port;
        NodeAuthorizer tokens = new NodeAuthorizer("Kubernetes");
        for (String pod : List.of("client", "server", "neighbour")) {
            tokens.tokens.put(
                    "token-of-" + pod, new Caller("Kubernetes", "default", pod, pod, "uid-" + pod));
        }
        ca =
                LocalCa.start(
                        new InetSocketAddress("127.0.0.1", 0),
                        trustDomain,
                        root,
                        tokens,
                        List.of(MeshLab.CA.getHostAddress()));
        rootFile = lab.folder().resolve("root-of-" + port + ".pem");
        Files.writeString(rootFile, ca.rootPem());
        door = open();
    }

    /// What a daemon needs to know to use this CA.
    String[] settings() {
        return new String[] {
            "CA_ADDRESS=https://" + MeshLab.CA.getHostAddress() + ":" + port,
            "CA_ROOT_CA=" + rootFile
        };
    }

    LocalCa ca() {
        return ca;
    }

    /// Refuses connections, and ends those there are.
    void goAway() throws IOException {
        door.close();
        for (SocketChannel each : relayed) {
            each.close();
        }
    }

    void comeBack() {
        door = open();
    }

    private ServerSocketChannel open() {
        return Application.serve(lab.fabric(), port, this::relay);
    }

    private void relay(SocketChannel daemon) {
        try (daemon;
                SocketChannel authority =
                        SocketChannel.open(new InetSocketAddress("127.0.0.1", ca.port()))) {
            relayed.add(daemon);
            relayed.add(authority);
            Thread back = Thread.ofPlatform().daemon().start(() -> pump(authority, daemon));
            pump(daemon, authority);
            back.join();
        } catch (IOException | InterruptedException over) {
            // Whoever asked sees a connection that ended.
        }
    }

    private static void pump(SocketChannel from, SocketChannel to) {
        ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);
        try {
            while (from.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
                buffer.clear();
            }
            to.shutdownOutput();
        } catch (IOException over) {
            closeQuietly(to);
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException ignored) {
            // It is of no use any more either way.
        }
    }

    @Override
    public void close() throws IOException {
        goAway();
        ca.close();
    }
}
