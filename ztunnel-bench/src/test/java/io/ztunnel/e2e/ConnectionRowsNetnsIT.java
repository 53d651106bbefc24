package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Single connections of docs/spec/dataplane.md 13.15, on whole daemons.
@Tag("netns")
@Timeout(180)
class ConnectionRowsNetnsIT extends EchoMesh {
    private static final String COMPLETE = "connection complete";
    private static final Pattern SOURCE = Pattern.compile("src\\.addr=(\\S+)");

    @Override
    Redirection redirection() {
        return Redirection.iptables();
    }

    /// Better than the reference: whoever gives up is not dialled for any longer.
    @Test
    void row192_aClientThatGivesUpWhileItsTunnelIsMadeIsNoticed() throws Exception {
        DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours());
        lab.server()
                .namespace()
                .run("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "15008", "-j", "DROP");
        try (Socket hasty = talk.open()) {
            MeshLab.eventually(
                    "it is being made", () -> client.metric("istio_tcp_sockets_open", "") == 1);
            hasty.setSoLinger(true, 0);
        }
        MeshLab.eventually("it is over", () -> client.metric("istio_tcp_sockets_open", "") == 0);
        // A dial that nobody had ended would have said that it timed out.
        assertThat(client.lines("timed out")).isEmpty();
    }

    /// The listeners take both families; the other one's form of an address shows nowhere.
    @Test
    void row194_mappedAddressesAreIpv4() throws Exception {
        DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours());
        DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours());
        talk.roundTrip();
        for (DaemonProcess each : List.of(client, server)) {
            MeshLab.eventually("its line", () -> !each.lines(COMPLETE).isEmpty());
            assertThat(each.lines(COMPLETE).getFirst())
                    .contains(
                            "src.addr=" + lab.client().ipv4().getHostAddress() + ":",
                            lab.server().ipv4().getHostAddress() + ":8080")
                    .doesNotContain("ffff");
        }
    }

    /// Streams of one tunnel to one application: a policy ends all of them, and all of them are
    /// known by the tunnel's port.
    @Test
    void row200_aPolicyEndsAllStreamsOfATunnel() throws Exception {
        lab.daemon(lab.client(), DaemonProcess.ours(), "ZTUNNEL_WORKER_THREADS=1");
        DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours());
        try (Socket one = talk.open();
                Socket other = talk.open()) {
            Conversations.roundTrip(one, "hello");
            Conversations.roundTrip(other, "hello");
            lab.mesh(MeshLab.policy("nobody", "Allow", "[]"));
            MeshLab.eventually("both end", () -> server.lines(COMPLETE).size() == 2);
            assertEnded(one);
            assertEnded(other);
            assertThat(server.lines(COMPLETE).stream().map(ConnectionRowsNetnsIT::source))
                    .hasSize(2)
                    .containsOnly(source(server.lines(COMPLETE).getFirst()));
            assertThat(server.lines(COMPLETE))
                    .allSatisfy(line -> assertThat(line).contains("due to policy change"));
        }
    }

    private static void assertEnded(Socket socket) throws IOException {
        try {
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        } catch (SocketException reset) {
            assertThat(reset).hasMessageContaining("reset");
        }
    }

    private static String source(String line) {
        Matcher said = SOURCE.matcher(line);
        assertThat(said.find()).as(line).isTrue();
        return said.group(1);
    }
}
