package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Restart after restart, as a DaemonSet does them, and nobody notices
/// (docs/spec/inpod-and-deployment.md 5.3, docs/adr/0010-handover.md): the new daemon starts beside
/// the old one, is ready, then the old one gets SIGTERM. In turn on the client's node and on the
/// server's.
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

    @TempDir Path folder;

    @Test
    void ourDaemonsTakeOverFromEachOtherWithoutALostConnection() throws Exception {
        roll(List.of(DaemonProcess.ours()), List.of(DaemonProcess.ours()));
    }

    /// Each node alternates, out of step: whoever ends has been followed by the other program, and
    /// talks with both.
    @Test
    @Tag("peer")
    void oursAndAnotherZtunnelTakeOverFromEachOther() throws Exception {
        String peer = System.getenv("ZTUNNEL_PEER_COMMAND");
        Assumptions.assumeTrue(peer != null, "ZTUNNEL_PEER_COMMAND is not set");
        List<String> theirs = List.of(peer.split(" "));
        roll(List.of(DaemonProcess.ours(), theirs), List.of(theirs, DaemonProcess.ours()));
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
                    List<String> near = nearCommands.get(i % nearCommands.size());
                    List<String> far = farCommands.get(i % farCommands.size());
                    old.add(replace(nodes.near(), near, residents));
                    events.add("near " + newcomers.millisSinceStart());
                    old.add(replace(nodes.far(), far, residents));
                    events.add("far " + newcomers.millisSinceStart());
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
        residents.terminating();
        old.process().destroy();
        return old;
    }
}
