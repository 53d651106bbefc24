package io.ztunnel.e2e;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;

/// A laboratory with an echo server in the server's pod, new for each test; who extends this starts
/// the daemons.
abstract class EchoMesh {
    @TempDir Path folder;

    MeshLab lab;

    /// From the client's pod to the echo server.
    Conversations talk;

    private ServerSocketChannel echo;

    /// How the pods' connections come to the daemons.
    Redirection redirection() {
        return Redirection.nft();
    }

    @BeforeEach
    final void buildLab() {
        lab = new MeshLab(folder, redirection());
        echo = Application.serve(lab.server().namespace(), Conversations.ECHO, Application::echo);
        talk = new Conversations(lab.client().namespace(), lab.server().ipv4());
    }

    @AfterEach
    final void removeLab() throws IOException {
        echo.close();
        lab.close();
    }
}
