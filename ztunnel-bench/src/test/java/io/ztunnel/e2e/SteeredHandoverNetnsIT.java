package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Prerequisites;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Two daemons in the same pods: where the kernel refuses the program that moves connections, as a
/// runtime without `bpf(2)` does, newcomers are steered to the successor instead
/// (docs/adr/0010-handover.md, 2).
@Tag("netns")
@Timeout(300)
class SteeredHandoverNetnsIT {
    private static final Duration DEADLINE = Duration.ofSeconds(6);

    /// Refuses bpf(2) with EPERM to whatever it starts: four instructions of seccomp.
    private static final String WITHOUT_BPF =
            """
            my ($prctl, $bpf) = splice(@ARGV, 0, 2);
            my $filter = pack("SCCL" x 4, 0x20, 0, 0, 0, 0x15, 0, 1, $bpf,
                    0x06, 0, 0, 0x00050001, 0x06, 0, 0, 0x7fff0000);
            my $program = pack("Sx6P", 4, $filter);
            syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "no new privileges: $!";
            syscall($prctl, 22, 2, $program) == 0 or die "seccomp: $!";
            exec @ARGV or die "exec: $!";
            """;

    @TempDir Path folder;

    private static List<String> withoutBpf(List<String> command) {
        boolean arm = System.getProperty("os.arch").equals("aarch64");
        List<String> all = new ArrayList<>(List.of("perl", "-e", WITHOUT_BPF));
        all.addAll(arm ? List.of("167", "280") : List.of("157", "321"));
        all.addAll(command);
        return all;
    }

    private static ServerSocketChannel echo(TwoNodes nodes) {
        return Application.serve(
                nodes.far().pod().namespace(), Conversations.ECHO, Application::echo);
    }

    @Test
    void withoutTheKernelsHelpNobodyIsLostEither() throws Exception {
        Prerequisites.require("perl");
        List<String> command = withoutBpf(DaemonProcess.ours());
        try (TwoNodes nodes = new TwoNodes(folder, DEADLINE);
                ServerSocketChannel _ = echo(nodes)) {
            DaemonProcess old = nodes.far().start(command);
            // Plain connections: each is one more at the listeners of the server's pod.
            Conversations talk =
                    new Conversations(
                            nodes.near().outsider("caller").namespace(), nodes.far().pod().ipv4());
            talk.roundTrip();
            Newcomers newcomers =
                    new Newcomers(
                            talk.client(),
                            new InetSocketAddress(talk.server(), Conversations.ECHO),
                            100);
            try (newcomers) {
                for (int round = 0; round < 3; round++) {
                    DaemonProcess leaving = nodes.far().serving();
                    nodes.far().start(command);
                    leaving.process().destroy();
                    assertThat(leaving.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
                    assertThat(leaving.process().exitValue()).isZero();
                }
            }
            assertThat(old.lines("they will be steered")).as("the kernel refused").isNotEmpty();
            assertThat(newcomers.failures()).isEmpty();
            assertThat(newcomers.served()).isPositive();
        }
    }

    @Test
    void twoProxiesInOnePodShareItAndEitherMayDie() throws Exception {
        try (TwoNodes nodes = new TwoNodes(folder, DEADLINE);
                ServerSocketChannel _ = echo(nodes)) {
            DaemonProcess first = nodes.far().start(DaemonProcess.ours());
            DaemonProcess second = nodes.far().start(DaemonProcess.ours());
            Conversations talk =
                    new Conversations(
                            nodes.near().outsider("caller").namespace(), nodes.far().pod().ipv4());
            MeshLab.eventually("both serve", () -> served(talk, first) && served(talk, second));

            first.process().destroyForcibly().waitFor();

            for (int i = 0; i < 20; i++) {
                talk.roundTrip();
            }
            assertThat(second.process().isAlive()).isTrue();
        }
    }

    /// Plain connections, because each of them is shared out anew.
    private static boolean served(Conversations talk, DaemonProcess daemon) {
        try (Socket socket = talk.open()) {
            Conversations.roundTrip(socket, "hello");
        } catch (IOException refused) {
            throw new AssertionError(refused);
        }
        return !daemon.lines("connection complete").isEmpty();
    }
}
