package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;

/// Tunnels follow their certificates: with one that lives a minute, a tunnel is replaced while its
/// connection goes on, and ended when the minute is over (docs/spec/identity-and-tls.md 5.8).
@Tag("netns")
@Tag("slow")
@Timeout(300)
class TunnelTenureNetnsIT {
    @TempDir Path folder;

    @Test
    void aTunnelIsReplacedThenEndsWithItsCertificate() throws Exception {
        try (MeshLab lab = new MeshLab(folder, Redirection.nft());
                ServerSocketChannel _ =
                        Application.serve(
                                lab.server().namespace(), Conversations.ECHO, Application::echo);
                HouseCa house =
                        new HouseCa(
                                lab, IssuingCa.root("O=cluster.local"), "cluster.local", 15013)) {
            String[] settings = {
                house.settings()[0],
                house.settings()[1],
                "SECRET_TTL=60s",
                "TUNNEL_EXPIRY_GRACE=0s",
                "ZTUNNEL_WORKER_THREADS=1"
            };
            DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), settings);
            DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), settings);
            Conversations talk = new Conversations(lab.client().namespace(), lab.server().ipv4());
            try (Socket standing = talk.open()) {
                Conversations.roundTrip(standing, "on the first tunnel");
                assertThat(tunnels(client)).isEqualTo(1);
                MeshLab.eventually("another tunnel takes what is new", () -> second(talk, client));
                Conversations.roundTrip(standing, "still on the first tunnel");
                MeshLab.eventually("the first one ends", () -> CrlFile.isCut(standing));
            }
            MeshLab.eventually(
                    "somebody says why",
                    () ->
                            !client.lines("certificate expires at").isEmpty()
                                    || !server.lines("certificate expires at").isEmpty());
            MeshLab.eventually(
                    "the connection says it, too",
                    () ->
                            !client.lines("connection closed: certificate expired").isEmpty()
                                    || !server.lines("connection closed: certificate expired")
                                            .isEmpty());
            talk.roundTrip();
        }
    }

    private static long tunnels(DaemonProcess daemon) {
        return daemon.metric("ztunnel_tunnels_secured_total", "reporter=\"source\"");
    }

    private static boolean second(Conversations talk, DaemonProcess client) {
        try {
            talk.roundTrip();
            return tunnels(client) > 1;
        } catch (IOException refused) {
            throw new AssertionError("a new connection failed", refused);
        }
    }
}
