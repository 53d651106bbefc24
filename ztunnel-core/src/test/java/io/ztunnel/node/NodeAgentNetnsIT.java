package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.ZdsServer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.Socket;
import java.util.List;

/// What the daemon tells of the node agent, and what becomes of connections when pods leave
/// (docs/spec/inpod-and-deployment.md 1.8, 5.2 and 5.6).
@Tag("netns")
@Timeout(180)
class NodeAgentNetnsIT extends TwoPodNode {
    private void counts(String... lines) {
        MeshLab.eventually(
                "metrics " + List.of(lines),
                () -> {
                    List<String> all =
                            node.daemon().get("http://127.0.0.1:15020/metrics").lines().toList();
                    return all.containsAll(List.of(lines));
                });
    }

    @Test
    void weakness9_13_whatTheAgentDoesIsCountedAndShown() throws Exception {
        applications.add(Application.serve(server.namespace(), 15006, Application::echo));
        node.launch();
        node.greet(client);
        assertThat(node.add(server)).contains("15006");
        MeshLab.eventually("ready", () -> node.daemon().isReady());
        counts(
                "ztunnel_java_agent_connected 1",
                "ztunnel_java_agent_conversations_total 1",
                "ztunnel_java_agent_nacks_total{reason=\"not_started\"} 1",
                "ztunnel_java_agent_answer_duration_seconds_count 3",
                "ztunnel_java_event_loops_stuck 0");
        MeshLab.eventually(
                "the port is named",
                () ->
                        node.daemon()
                                        .metric(
                                                "ztunnel_java_pod_bind_failures_total",
                                                "port=\"15006\"")
                                > 0);
        assertThat(node.dump()).contains("\"podsNotUp\"", "failed to bind to address [::]:15006");

        assertThat(node.conversation().askRaw(new byte[1500])).startsWith("failure to read");
        node.conversation().expectClosed();
        node.greet();
        assertThat(node.conversation().askRaw(ZdsServer.snapshotSent().toByteArray()))
                .startsWith("failure to process");
        node.conversation().expectClosed();
        counts(
                "ztunnel_java_agent_nacks_total{reason=\"truncated\"} 1",
                "ztunnel_java_agent_nacks_total{reason=\"protocol\"} 1",
                "ztunnel_java_agent_disconnects_total{reason=\"protocol\"} 2");
    }

    @Test
    void weakness9_aPodThatIsKeptWithoutAProxyIsNamed() throws Exception {
        node.launch();
        node.greetKeeping("uid-lost");
        counts("ztunnel_java_pods_kept_without_proxy 1");
        assertThat(node.dump()).contains("\"keptWithoutProxy\"", "\"uid-lost\"");
        assertThat(node.daemon().isReady()).isTrue();
    }

    @Test
    void weakness15_aRequestOfALaterVersionDoesNotEndTheConversation() throws Exception {
        node.start(client);
        assertThat(node.conversation().askRaw(new byte[] {0x32, 0}))
                .isEqualTo("failure to process message : unknown request 6");
        assertThat(node.add(server)).isEmpty();
        counts("ztunnel_java_agent_nacks_total{reason=\"not_understood\"} 1");
    }

    @Test
    void weakness10_connectionsOfADeletedPodMayEndWithinItsGrace() throws Exception {
        node.start(new String[] {"ZTUNNEL_POD_STOP_GRACE=5s"}, client, server);
        try (Socket standing = standing(server)) {
            assertThat(node.delete(server)).as("answered before the grace is over").isEmpty();
            Conversations.roundTrip(standing, "within");
            assertThat(Conversations.opens(client, server)).as("nothing new").isFalse();
            MeshLab.eventually("cut", () -> !Conversations.stands(standing, "later"));
        }
        assertThat(node.add(server)).isEmpty();
        MeshLab.eventually("served again", () -> Conversations.opens(client, server));
    }

    @Test
    void weakness10_withoutGraceTheyAreCutAtOnce() throws Exception {
        node.start(new String[] {"ZTUNNEL_POD_STOP_GRACE=0s"}, client, server);
        try (Socket standing = standing(server)) {
            assertThat(node.delete(server)).isEmpty();
            MeshLab.eventually("cut", () -> !Conversations.stands(standing, "after"));
        }
    }

    @Test
    void weakness8_aPodThatIsNamedDifferentlyGetsAnotherIdentity() throws Exception {
        node.start(client, server);
        try (Socket _ = standing(server)) {
            lab.describeAs(node, server, "renamed");
            lab.mesh("");
            assertThat(node.addAs("uid-server", server, "renamed")).isEmpty();
        }
        MeshLab.eventually("served under the new name", () -> Conversations.opens(client, server));
        MeshLab.eventually(
                "with its identity",
                () -> !node.daemon().lines("ns/default/sa/renamed\"").isEmpty());
    }
}
