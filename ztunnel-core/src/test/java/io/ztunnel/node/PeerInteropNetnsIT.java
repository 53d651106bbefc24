package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.List;

/// Ours at one end, somebody else's ztunnel at the other: `ZTUNNEL_PEER_COMMAND` is how it is
/// started.
///
/// Without the variable there is nobody to talk with, and what another ztunnel once said is
/// replayed instead (`RecordedVectorsTest` in `ztunnel-hbone`).
@Tag("peer")
@Timeout(240)
class PeerInteropNetnsIT {
    private static final String VARIABLE = "ZTUNNEL_PEER_COMMAND";

    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void bytesIdentitiesPoliciesAndRestarts(String clientIs, String serverIs) throws Exception {
        try (MeshLab lab = new MeshLab(folder, Redirection.iptables());
                ServerSocketChannel _ =
                        Application.serve(
                                lab.server().namespace(), Conversations.ECHO, Application::echo)) {
            DaemonProcess client = lab.daemon(lab.client(), command(clientIs));
            DaemonProcess server = lab.daemon(lab.server(), command(serverIs));
            Conversations talk = new Conversations(lab.client().namespace(), lab.server().ipv4());

            talk.roundTrip();
            for (DaemonProcess each : List.of(client, server)) {
                MeshLab.eventually("a line", () -> !each.lines("connection complete").isEmpty());
                assertThat(each.lines("connection complete").getFirst())
                        .contains(
                                "src.identity=\"spiffe://cluster.local/ns/default/sa/client\"",
                                "dst.identity=\"spiffe://cluster.local/ns/default/sa/server\"");
            }
            for (int size : new int[] {1, 65_536, 1_000_003, 8 << 20}) {
                talk.everyByteComesBackAfterHalfClose(size);
            }
            new Conversations(lab.client().namespace(), lab.server().ipv6()).roundTrip();
            talk.aSlowReaderGetsEverything(4 << 20);
            talk.manyAtOnce(300);
            for (int i = 0; i < 500; i++) {
                talk.roundTrip();
            }

            // Their policy refuses and ours understands, and the other way round.
            lab.mesh(
                    MeshLab.policy(
                            "only-others",
                            "Allow",
                            "[[[{principals: [!Exact cluster.local/ns/default/sa/other]}]]]"));
            DaemonProcess strict = restart(lab, server, command(serverIs));
            MeshLab.eventually("refused", () -> refuses(talk));
            MeshLab.eventually(
                    "both say why",
                    () ->
                            !client.lines("http status: 401 Unauthorized").isEmpty()
                                    && !strict.lines("allow policies exist, but none allowed")
                                            .isEmpty());

            lab.mesh("");
            restart(lab, strict, command(serverIs));
            MeshLab.eventually("served again", () -> !refuses(talk));
        }
    }

    private static DaemonProcess restart(MeshLab lab, DaemonProcess old, List<String> command)
            throws InterruptedException {
        old.process().destroyForcibly().waitFor();
        return lab.daemon(lab.server(), command);
    }

    private static boolean refuses(Conversations talk) {
        try {
            talk.roundTrip();
            return false;
        } catch (Exception | AssertionError refused) {
            return true;
        }
    }

    private static List<String> command(String who) {
        String peer = System.getenv(VARIABLE);
        Assumptions.assumeTrue(
                peer != null, VARIABLE + " is not set: recorded frames are replayed instead");
        return who.equals("ours") ? DaemonProcess.ours() : List.of(peer.split(" "));
    }
}
