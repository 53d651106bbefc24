package io.ztunnel.e2e;

import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer;
import io.ztunnel.ca.testkit.NodeAuthorizer.Caller;
import io.ztunnel.node.MeshLab;
import io.ztunnel.node.Passage;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A CA whose knobs the test turns while daemons use it: it runs in the test, and a [Passage] in
/// the laboratory's fabric leads to it. It can also be unreachable.
final class HouseCa implements AutoCloseable {
    private final int port;
    private final Path rootFile;
    private final LocalCa ca;
    private final Passage door;

    /// @param root signs; several of them may share one
    /// @param port where the daemons find it, unique in the laboratory
    HouseCa(MeshLab lab, IssuingCa root, String trustDomain, int port) throws IOException {
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
        door = new Passage(lab.fabric(), port, ca.port());
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
        door.shut();
    }

    void comeBack() {
        door.open();
    }

    @Override
    public void close() throws IOException {
        door.close();
        ca.close();
    }
}
