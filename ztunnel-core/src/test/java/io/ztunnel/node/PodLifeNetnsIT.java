package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.ZdsServer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// Events in the life of a pod, as its node's daemon sees them
/// (docs/spec/inpod-and-deployment.md 5.4 and 5.6).
@Tag("netns")
@Timeout(240)
class PodLifeNetnsIT extends TwoPodNode {
    @Test
    void aPodThatIsUnlabelledEndsItsConnectionsAndIsReachedDirectly() throws Exception {
        node.start(client, server);
        try (Socket standing = standing(server)) {
            server.namespace().run("nft", "flush", "ruleset");
            server.namespace().run("ip", "rule", "del", "fwmark", "0x111/0xfff", "lookup", "100");
            assertThat(node.delete(server)).isEmpty();
            MeshLab.eventually("cut", () -> !Conversations.stands(standing, "after"));
        }
        lab.describe(node, server, "protocol: TCP");
        lab.mesh("");
        MeshLab.eventually("in plain text", () -> Conversations.opens(client, server));
        assertThat(node.dump()).doesNotContain("uid-server");
    }

    @Test
    void aPodWhoseInterfaceIsGoneIsLetGoWithoutWaiting() throws Exception {
        node.start(client, server);
        try (Socket _ = standing(server)) {
            server.namespace().run("ip", "link", "del", "eth0");
            assertThat(node.delete(server)).isEmpty();
            MeshLab.eventually("it is gone", () -> !node.dump().contains("uid-server"));
        }
        MeshLab.eventually(
                "with its connections",
                () -> !node.daemon().lines("direction=\"inbound\"").isEmpty());
    }

    /// The acknowledgement must not wait for the control plane, so the first connection has to.
    @Test
    void aPodThatTheMeshDoesNotKnowYetIsAcknowledgedAndItsFirstConnectionWaits() throws Exception {
        Pod late = lab.captured(node, "late");
        node.start(server);
        assertThat(node.add(late)).isEmpty();
        CompletableFuture<Boolean> first =
                CompletableFuture.supplyAsync(() -> Conversations.opens(late, server));
        MeshLab.eventually(
                "it has been accepted",
                () ->
                        node.daemon().metric("istio_tcp_sockets_open", "reporter=\"source\"") > 0
                                || first.isDone());
        assertThat(first).as("neither refused nor let out").isNotDone();
        lab.mesh("");
        assertThat(first.get(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aSandboxThatIsMadeAgainIsServedInWhateverOrderTheNewsCome() throws Exception {
        node.start(client);
        Pod second = lab.captured(node, "second");
        serve(second);
        lab.mesh("");
        assertThat(node.add("uid-pod", server)).isEmpty();
        try (Socket standing = standing(server)) {
            assertThat(node.add("uid-pod", second)).as("the add comes first").isEmpty();
            MeshLab.eventually("the former is cut", () -> !Conversations.stands(standing, "x"));
        }
        MeshLab.eventually("the next serves", () -> Conversations.opens(client, second));

        assertThat(node.conversation().ask(ZdsServer.deleteOf("uid-pod"))).isEmpty();
        assertThat(node.add("uid-pod", server)).as("the delete comes first").isEmpty();
        MeshLab.eventually("back in the first", () -> Conversations.opens(client, server));
        assertThat(Conversations.opens(client, second)).as("fail closed").isFalse();
    }

    private static ServerSocketChannel unbound() {
        try {
            return ServerSocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /// It takes two looks, ten seconds apart.
    @Test
    @Tag("slow")
    void weakness25_aRootContainerThatSharesOurPortIsToldOf() throws Exception {
        node.start(client, server);
        try (ServerSocketChannel thief = server.namespace().inside(PodLifeNetnsIT::unbound)) {
            thief.setOption(StandardSocketOptions.SO_REUSEPORT, true);
            thief.bind(new InetSocketAddress("::", 15006));
            MeshLab.eventually(
                    "it is told of", () -> !node.daemon().lines("shares our port").isEmpty());
        }
        assertThat(node.daemon().lines("shares our port").getFirst())
                .contains("default/server", "15006");
        assertThat(node.daemon().get("http://127.0.0.1:15020/metrics"))
                .contains("ztunnel_java_pod_ports_shared_with_strangers 1\n")
                .contains("ztunnel_java_threads_away 0\n");
        assertThat(node.dump()).contains("\"portStrangers\"", "\"port\": 15006");
    }
}
