package io.ztunnel.node;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A node made anew for each test, with a client's pod and a server's, both captured; the daemon is
/// started by the test.
abstract class TwoPodNode {
    @TempDir Path folder;

    NodeLab lab;
    NodeDaemon node;
    Pod client;
    Pod server;
    final List<AutoCloseable> applications = new ArrayList<>();

    @BeforeEach
    void build() throws IOException {
        lab = new NodeLab(folder, Redirection.nft());
        node = lab.node("node-1");
        client = lab.captured(node, "client");
        server = lab.captured(node, "server");
        lab.mesh("");
        serve(server);
    }

    /// Echoes, and tells callers who they are.
    void serve(Pod pod) {
        applications.add(Application.serve(pod.namespace(), Conversations.ECHO, Application::echo));
        applications.add(
                Application.serve(pod.namespace(), Application.MIRROR, Application::mirror));
    }

    /// A connection of the client's that works.
    Socket standing(Pod to) throws IOException {
        Socket socket = Application.connect(client.namespace(), to.ipv4(), Conversations.ECHO);
        Conversations.roundTrip(socket, "before");
        return socket;
    }

    @AfterEach
    void remove() throws Exception {
        MeshLab.closeAll(applications);
        lab.close();
    }
}
