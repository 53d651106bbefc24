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
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

import java.net.InetAddress;
import java.net.InetSocketAddress;
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

    /// Kept after a failure: what the daemons logged says which of them lost whom.
    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path folder;

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

    /// Daemons and servers in turn: first a daemon, on the server's node and on the client's
    /// alternately, then the pod behind the service that the new connections go to.
    @Test
    void daemonsAndServersAreReplacedInTurnWithoutALostConnection() throws Exception {
        try (TwoNodes nodes = new TwoNodes(folder, DEADLINE)) {
            nodes.near().start(DaemonProcess.ours());
            nodes.far().start(DaemonProcess.ours());
            try (Deployment shop = new Deployment(nodes, nodes.workloads())) {
                List<Turn> turns = new ArrayList<>();
                for (int i = 1; i <= RESTARTS; i++) {
                    TwoNodes.Side side = i % 2 == 1 ? nodes.far() : nodes.near();
                    turns.add(
                            residents -> {
                                DaemonProcess old = replace(side, DaemonProcess.ours(), residents);
                                shop.rollOut();
                                return List.of(old);
                            });
                }
                underLoad(nodes, shop.address(), turns);
            }
        }
    }

    private void roll(List<List<String>> nearCommands, List<List<String>> farCommands)
            throws Exception {
        try (TwoNodes nodes = new TwoNodes(folder, DEADLINE)) {
            nodes.near().start(nearCommands.getFirst());
            nodes.far().start(farCommands.getFirst());
            List<Turn> turns = new ArrayList<>();
            for (int i = 1; i <= RESTARTS; i++) {
                List<String> far = farCommands.get(i % farCommands.size());
                List<String> near = nearCommands.get(i % nearCommands.size());
                turns.add(
                        residents ->
                                List.of(
                                        replace(nodes.far(), far, residents),
                                        replace(nodes.near(), near, residents)));
            }
            InetAddress server = nodes.far().pod().ipv4();
            underLoad(nodes, new InetSocketAddress(server, Conversations.ECHO), turns);
        }
    }

    /// Some replacements; the daemons that were told to end.
    @FunctionalInterface
    private interface Turn {
        List<DaemonProcess> take(Residents residents) throws Exception;
    }

    /// @param newcomersGo where the new connections go; those that stay go to the far node's pod
    private static void underLoad(TwoNodes nodes, InetSocketAddress newcomersGo, List<Turn> turns)
            throws Exception {
        List<DaemonProcess> old = new ArrayList<>();
        Conversations talk =
                new Conversations(nodes.near().pod().namespace(), nodes.far().pod().ipv4());
        try (ServerSocketChannel _ =
                Application.serve(
                        nodes.far().pod().namespace(), Conversations.ECHO, Application::echo)) {
            talk.roundTrip();
            Newcomers newcomers = new Newcomers(talk.client(), newcomersGo, RATE);
            Residents residents = new Residents(talk, STANDING, DEADLINE);
            List<Long> turned = new ArrayList<>();
            try (newcomers;
                    residents) {
                for (Turn each : turns) {
                    old.addAll(each.take(residents));
                    turned.add(newcomers.millisSinceStart());
                }
                for (DaemonProcess each : old) {
                    assertThat(each.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
                    assertThat(each.process().exitValue()).isZero();
                }
            }
            System.out.printf(
                    "rollout: %d turns, %d daemons replaced, %s; %s; turns ended after %s ms%n",
                    turns.size(), old.size(), newcomers, residents, turned);
            assertThat(newcomers.failures()).as("turns ended at %s", turned).isEmpty();
            assertThat(residents.tooEarly()).isEmpty();
            assertThat(newcomers.served()).isPositive();
        }
    }

    private static DaemonProcess replace(
            TwoNodes.Side side, List<String> command, Residents residents) throws Exception {
        DaemonProcess old = side.serving();
        int olds = listeners(side.pod());
        side.start(command);
        int news = listeners(side.pod()) - olds;
        Runnable closed = residents.terminating();
        old.process().destroy();
        MeshLab.eventually("it closes its doors", () -> listeners(side.pod()) == news);
        closed.run();
        return old;
    }

    /// Sockets that listen for what the pod sends and for what it is sent, whoever owns them.
    private static int listeners(Pod pod) {
        return (int)
                pod.namespace()
                        .run("ss", "-ltnH", "sport = :15001 or sport = :15008")
                        .lines()
                        .count();
    }
}
