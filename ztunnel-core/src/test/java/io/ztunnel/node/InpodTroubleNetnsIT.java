package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.testkit.ZdsServer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// A node whose agent, pods or daemon misbehave: the gaps of docs/spec/inpod-and-deployment.md 4.6,
/// with the real daemon.
@Tag("netns")
@Timeout(180)
class InpodTroubleNetnsIT extends TwoPodNode {
    private String seenBy(InetAddress to) throws IOException {
        try (Socket socket = Application.connect(client.namespace(), to, Application.MIRROR)) {
            return new String(socket.getInputStream().readAllBytes(), US_ASCII);
        }
    }

    private boolean reaches(Pod from, InetAddress to) {
        try {
            new Conversations(from.namespace(), to).roundTrip();
            return true;
        } catch (IOException | AssertionError refused) {
            return false;
        }
    }

    private List<String> links(String kind, String inner) throws IOException {
        List<String> links = new ArrayList<>();
        Path folder = Path.of("/proc/" + node.daemon().process().pid(), kind);
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path entry : entries.toList()) {
                try {
                    links.add(Files.readSymbolicLink(entry.resolve(inner)).toString());
                } catch (IOException closedMeanwhile) {
                    // Then it is not there.
                }
            }
        }
        return links;
    }

    /// How many namespaces the daemon holds, its own included.
    private long namespacesHeld() {
        try {
            // Opened by its name, a namespace goes by that name.
            return links("fd", "").stream()
                    .filter(link -> link.startsWith("net:") || link.startsWith("/run/netns/"))
                    .count();
        } catch (IOException gone) {
            throw new java.io.UncheckedIOException(gone);
        }
    }

    private void everyThreadIsAtHome() throws IOException {
        String home =
                Files.readSymbolicLink(
                                Path.of("/proc/" + node.daemon().process().pid() + "/ns/net"))
                        .toString();
        assertThat(links("task", "ns/net")).isNotEmpty().allMatch(home::equals);
    }

    @Test
    void aPodThatTakesOurPortIsReportedRetriedAndDoesNotKeepTheNodeFromBeingReady()
            throws Exception {
        ServerSocketChannel squatter =
                Application.serve(server.namespace(), 15008, Application::echo);
        node.launch();
        node.greet(client);
        MeshLab.eventually("ready", () -> node.daemon().isReady());
        assertThat(node.add(server))
                .startsWith("failure to start proxy : failed to bind to address")
                .contains("15008", "EADDRINUSE");
        assertThat(node.dump()).contains("\"state\": \"Pending\"");
        MeshLab.eventually(
                "it is counted",
                () ->
                        node.daemon()
                                .get("http://127.0.0.1:15020/metrics")
                                .contains("workload_manager_pending_proxy_count 1"));
        assertThat(node.daemon().isReady()).as("for the rest").isTrue();

        squatter.close();

        MeshLab.eventually("it is tried again", () -> reaches(client, server.ipv4()));
        assertThat(node.dump()).doesNotContain("\"state\": \"Pending\"");
    }

    /// From the start, too, after a time in which it might still have come up.
    @Test
    void aPodThatTakesOurPortFromTheStartDelaysReadinessAndNoMore() throws Exception {
        applications.add(Application.serve(server.namespace(), 15001, Application::echo));
        node.launch();
        node.greet();
        assertThat(node.add(client)).isEmpty();
        assertThat(node.add(server)).contains("15001");
        MeshLab.eventually("ready for the rest", () -> node.daemon().isReady());
    }

    @Test
    void aNamespaceThatIsReplacedUnderOneUidIsLetGo() throws Exception {
        node.start(client);
        long before = namespacesHeld();
        Pod next = lab.captured(node, "next");
        serve(next);
        lab.mesh("");
        assertThat(node.add("uid-x", server)).isEmpty();
        MeshLab.eventually("the first", () -> reaches(client, server.ipv4()));
        assertThat(node.add("uid-x", next)).isEmpty();
        MeshLab.eventually("the second", () -> reaches(client, next.ipv4()));
        MeshLab.eventually("one namespace more", () -> namespacesHeld() == before + 1);
        assertThat(reaches(client, server.ipv4())).as("fail closed").isFalse();
    }

    @Test
    void noMessageEndsTheProcessOrAStandingConnection() throws Exception {
        node.start(client, server);
        try (Socket standing =
                Application.connect(client.namespace(), server.ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(standing, "before");
            byte[][] wrong = {
                {0x7f, 0x01},
                {0x0a, 0x00},
                new byte[1500],
                ZdsServer.keepOf("uid-client").toByteArray(),
                ZdsServer.snapshotSent().toByteArray(),
                WorkloadRequest.newBuilder()
                        .setAdd(AddWorkload.newBuilder().setUid("no info"))
                        .build()
                        .toByteArray()
            };
            for (byte[] packet : wrong) {
                assertThat(node.conversation().askRaw(packet)).startsWith("failure to ");
                node.conversation().expectClosed();
                node.greet(client, server);
                Conversations.roundTrip(standing, "meanwhile");
            }
            assertThat(node.daemon().process().isAlive()).isTrue();
            MeshLab.eventually("ready again", () -> node.daemon().isReady());
            Conversations.roundTrip(standing, "after");
        }
    }

    @Test
    void aDaemonThatIsKilledLeavesItsPodsClosedAndTheNextOneServesThem() throws Exception {
        node.start(client, server);
        try (Socket standing =
                Application.connect(client.namespace(), server.ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(standing, "before");
            node.daemon().process().destroyForcibly().waitFor();
            assertThatThrownBy(() -> Conversations.roundTrip(standing, "after"))
                    .isInstanceOfAny(IOException.class, AssertionError.class);
        }
        assertThatThrownBy(
                        () ->
                                Application.connect(
                                        client.namespace(), server.ipv4(), Conversations.ECHO))
                .isInstanceOf(ConnectException.class);
        node.start(client, server);
        MeshLab.eventually("served again", () -> reaches(client, server.ipv4()));
    }

    @Test
    void aPodIsEnrolledWhileItTalks() throws Exception {
        Pod late = node.node().pod("late");
        lab.describe(node, late, "protocol: HBONE");
        lab.mesh("");
        node.start(server);
        try (Socket standing =
                Application.connect(late.namespace(), server.ipv4(), Conversations.ECHO)) {
            standing.setSoTimeout(5_000);
            Conversations.roundTrip(standing, "before");
            late.redirected(Redirection.nft());
            assertThat(node.add(late)).isEmpty();
            MeshLab.eventually("new ones are carried", () -> reaches(late, server.ipv4()));
            // The kernel decides what becomes of the old one; it does not stay silent for ever.
            try {
                Conversations.roundTrip(standing, "after");
            } catch (IOException | AssertionError ended) {
                assertThat(ended).isNotInstanceOf(java.net.SocketTimeoutException.class);
            }
        }
        MeshLab.eventually(
                "with its identity", () -> !node.daemon().lines("ns/default/sa/late\"").isEmpty());
    }

    @Test
    void probesOfTheKubeletPassByWhatPolicySays() throws Exception {
        node.start(client, server);
        lab.mesh(MeshLab.policy("nobody", "Allow", "[]"));
        MeshLab.eventually("nobody is let in", () -> !reaches(client, server.ipv4()));
        node.node().namespace().run("ip", "addr", "add", "169.254.7.127/32", "dev", "lo");
        applications.add(Application.serve(server.namespace(), 8090, Application::page));
        String url = "http://" + server.ipv4().getHostAddress() + ":8090/";
        assertThat(
                        node.node()
                                .namespace()
                                .run(
                                        "curl",
                                        "-sS",
                                        "--max-time",
                                        "10",
                                        "--interface",
                                        "169.254.7.127",
                                        url))
                .isEqualTo("hello\n");
        assertThat(node.node().namespace().tryRun("curl", "-sS", "--max-time", "10", url))
                .as("anybody else on the node")
                .matches(outcome -> !outcome.succeeded());
    }

    @ParameterizedTest
    @ValueSource(strings = {"net/ipv6/conf/all/disable_ipv6", "net/ipv6/bindv6only"})
    void aPodWithoutUsableIpv6IsServedOverIpv4(String sysctl) throws Exception {
        for (Pod pod : List.of(client, server)) {
            pod.namespace().run("sh", "-c", "echo 1 > /proc/sys/" + sysctl);
        }
        node.start(client, server);
        assertThat(reaches(client, server.ipv4())).isTrue();
        assertThat(seenBy(server.ipv4())).isEqualTo(client.ipv4().getHostAddress());
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void theOriginalSourceIsKeptAsConfigured(String keep) throws Exception {
        node.start(new String[] {"ENABLE_ORIG_SRC=" + keep}, client, server);
        for (boolean v6 : new boolean[] {false, true}) {
            InetAddress to = v6 ? server.ipv6() : server.ipv4();
            InetAddress from = v6 ? client.ipv6() : client.ipv4();
            assertThat(seenBy(to)).isEqualTo((keep.equals("true") ? from : to).getHostAddress());
        }
    }

    @Test
    void podsThatComeAndGoLeaveNothing() throws Exception {
        comeAndGo(300);
    }

    @Test
    @Tag("slow")
    @Timeout(600)
    void tenThousandPodsThatComeAndGoLeaveNothing() throws Exception {
        comeAndGo(10_000);
    }

    private void comeAndGo(int times) throws Exception {
        node.start(client);
        long held = namespacesHeld();
        assertThat(node.add(server)).isEmpty();
        assertThat(namespacesHeld()).isEqualTo(held + 1);
        assertThat(node.delete(server)).isEmpty();
        MeshLab.eventually("it is gone", () -> namespacesHeld() == held);
        long files = links("fd", "").size();
        long threads = links("task", "ns/net").size();
        for (int i = 0; i < times; i++) {
            assertThat(node.add(server)).isEmpty();
            if (i % 100 == 0) {
                everyThreadIsAtHome();
            }
            assertThat(node.delete(server)).isEmpty();
        }
        MeshLab.eventually("no namespace is held", () -> namespacesHeld() == held);
        // A scrape or a log line may have a descriptor of its own at this very moment.
        assertThat(links("fd", "").size()).isLessThanOrEqualTo((int) files + 2);
        assertThat(links("task", "ns/net").size()).isLessThanOrEqualTo((int) threads + 8);
        everyThreadIsAtHome();
        assertThat(node.add(server)).isEmpty();
        assertThat(reaches(client, server.ipv4())).isTrue();
    }
}
