package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.Socket;
import java.util.List;

/// Peers that go without a word: no FIN, no reset, nothing.
@Tag("netns")
@Timeout(180)
class VanishedPeerNetnsIT extends EchoMesh {
    private static final int TUNNELS = 15008;

    private DaemonProcess client;
    private DaemonProcess server;

    @BeforeEach
    void startDaemons() {
        client = lab.daemon(lab.client(), DaemonProcess.ours(), "ZTUNNEL_WORKER_THREADS=1");
        server = lab.daemon(lab.server(), DaemonProcess.ours());
    }

    /// docs/spec/dataplane.md 5.2: a tunnel with traffic is bounded by the same pings as a quiet
    /// one.
    @Test
    void row198_anIdleConnectionAndABusyOneEndWhenTheirPeerHasVanished() throws Exception {
        try (Socket idle = talk.open();
                Socket busy = talk.open()) {
            Conversations.roundTrip(idle, "hello");
            Conversations.roundTrip(busy, "hello");
            Thread writer = Thread.ofPlatform().daemon().start(() -> writeOn(busy));
            drop("INPUT", "--dport", TUNNELS);
            drop("OUTPUT", "--sport", TUNNELS);

            idle.setSoTimeout(60_000);
            assertThat(idle.getInputStream().read()).isEqualTo(-1);
            writer.join();
            MeshLab.eventually("it says so", () -> !client.lines("ping timeout").isEmpty());
        }
    }

    private static void writeOn(Socket socket) {
        byte[] some = new byte[1024];
        try {
            while (true) {
                socket.getOutputStream().write(some);
            }
        } catch (IOException gone) {
            // That is what the test waits for.
        }
    }

    /// The pod is gone without a word and its address belongs to a new one, which resets what it
    /// does not know, or sits behind something that drops it.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void row198_aTunnelToARecycledAddressIsFoundOutByTheFirstUse(boolean silent) throws Exception {
        talk.roundTrip();
        int tunnel = tunnelPorts().getFirst();
        drop("INPUT", "--sport", tunnel);
        drop("OUTPUT", "--dport", tunnel);
        server.process().destroyForcibly().waitFor();
        lab.server().namespace().tryRun("ss", "-K", "sport", "=", ":" + TUNNELS);
        MeshLab.eventually("the kernel has forgotten it", () -> sockets().isEmpty());
        server = lab.daemon(lab.server(), DaemonProcess.ours());
        assertThat(tunnelPorts()).as("the client still believes in it").containsExactly(tunnel);
        if (!silent) {
            lab.server().namespace().run("iptables", "-F", "INPUT");
            lab.server().namespace().run("iptables", "-F", "OUTPUT");
        }

        talk.roundTrip();
        assertThat(tunnelPorts()).anyMatch(port -> port != tunnel);
        MeshLab.eventually("two lines", () -> client.lines("connection complete").size() == 2);
        assertThat(client.lines("connection complete"))
                .allSatisfy(line -> assertThat(line).doesNotContain("error="));
    }

    private void drop(String chain, String what, int port) {
        lab.server()
                .namespace()
                .run(
                        "iptables",
                        "-I",
                        chain,
                        "-p",
                        "tcp",
                        what,
                        Integer.toString(port),
                        "-j",
                        "DROP");
    }

    private List<String> sockets() {
        return lab.server()
                .namespace()
                .run("ss", "-Htan", "sport", "=", ":" + TUNNELS)
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
    }

    /// The tunnels' ports at the client's side.
    private List<Integer> tunnelPorts() {
        return lab.client()
                .namespace()
                .run("ss", "-Htn", "state", "established", "dport", "=", ":" + TUNNELS)
                .lines()
                .filter(line -> !line.isBlank())
                .map(line -> line.strip().split(" +")[2])
                .map(local -> Integer.valueOf(local.substring(local.lastIndexOf(':') + 1)))
                .toList();
    }
}
