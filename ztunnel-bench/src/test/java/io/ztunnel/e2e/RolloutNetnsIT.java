package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Pod;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Restart after restart, as a DaemonSet does them, and nobody notices
/// (docs/spec/inpod-and-deployment.md 5.3, docs/adr/0010-handover.md): the new daemon starts beside
/// the old one, is ready, then the old one gets SIGTERM. In turn on the server's node and on the
/// client's.
///
/// How much of it: `-Drollout.restarts` of each node's daemon, `-Drollout.rate` of new connections
/// per second, `-Drollout.standing` connections that stay, `-Drollout.deadline` in seconds.
@Tag("slow")
@Tag("netns")
@Timeout(1800)
class RolloutNetnsIT {
    private static final int RESTARTS = Integer.getInteger("rollout.restarts", 3);
    private static final int RATE = Integer.getInteger("rollout.rate", 200);
    private static final int STANDING = Integer.getInteger("rollout.standing", 50);
    private static final Duration DEADLINE =
            Duration.ofSeconds(Integer.getInteger("rollout.deadline", 6));

    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @TempDir Path folder;

    @Test
    void ourDaemonsTakeOverFromEachOtherWithoutALostConnection() throws Exception {
        roll(List.of(DaemonProcess.ours()), List.of(DaemonProcess.ours()));
    }

    /// Every pair of old and new, one end always being ours: what another ztunnel loses in talking
    /// with itself is not ours to count.
    ///
    /// | round | server's node | client's node |
    /// |---|---|---|
    /// | 1 | theirs gives way to ours | ours to theirs |
    /// | 2 | ours to ours, the client's being theirs | theirs to ours |
    /// | 3 | ours to theirs | ours to ours, the server's being theirs |
    @Test
    @Tag("peer")
    void oursAndAnotherZtunnelTakeOverFromEachOther() throws Exception {
        String peer = System.getenv("ZTUNNEL_PEER_COMMAND");
        Assumptions.assumeTrue(peer != null, "ZTUNNEL_PEER_COMMAND is not set");
        List<String> ours = DaemonProcess.ours();
        List<String> theirs = List.of(peer.split(" "));
        roll(List.of(ours, theirs, ours), List.of(theirs, ours, ours));
    }

    private void roll(List<List<String>> nearCommands, List<List<String>> farCommands)
            throws Exception {
        List<DaemonProcess> old = new ArrayList<>();
        try (TwoNodes nodes = new TwoNodes(folder, DEADLINE);
                ServerSocketChannel _ =
                        Application.serve(
                                nodes.far().pod().namespace(),
                                Conversations.ECHO,
                                Application::echo)) {
            nodes.near().start(nearCommands.getFirst());
            nodes.far().start(farCommands.getFirst());
            Conversations talk =
                    new Conversations(nodes.near().pod().namespace(), nodes.far().pod().ipv4());
            talk.roundTrip();
            Newcomers newcomers =
                    new Newcomers(
                            talk.client(),
                            new InetSocketAddress(talk.server(), Conversations.ECHO),
                            RATE);
            Residents residents = new Residents(talk, STANDING, DEADLINE);
            List<String> events = new ArrayList<>();
            try (newcomers;
                    residents) {
                for (int i = 1; i <= RESTARTS; i++) {
                    List<String> far = farCommands.get(i % farCommands.size());
                    old.add(replace(nodes.far(), far, residents));
                    events.add("far " + newcomers.millisSinceStart());
                    List<String> near = nearCommands.get(i % nearCommands.size());
                    old.add(replace(nodes.near(), near, residents));
                    events.add("near " + newcomers.millisSinceStart());
                }
                for (DaemonProcess each : old) {
                    assertThat(each.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
                    assertThat(each.process().exitValue()).isZero();
                }
            }
            System.out.printf(
                    "rollout: %d + %d restarts, %s; %s%n",
                    RESTARTS, RESTARTS, newcomers, residents);
            assertThat(newcomers.failures()).as("signals at %s", events).isEmpty();
            assertThat(residents.tooEarly()).isEmpty();
            assertThat(newcomers.served()).isPositive();
        }
    }

    private static DaemonProcess replace(
            TwoNodes.Side side, List<String> command, Residents residents) throws Exception {
        DaemonProcess old = side.serving();
        side.start(command);
        Pod home = side.formerHome();
        Runnable closed = residents.terminating();
        old.process().destroy();
        MeshLab.eventually("it closes its doors", () -> !isOpen(home));
        closed.run();
        return old;
    }

    private static boolean isOpen(Pod home) {
        try (Socket _ = Application.connect(home.namespace(), LOOPBACK, 15021)) {
            return true;
        } catch (IOException refused) {
            return false;
        }
    }
}
