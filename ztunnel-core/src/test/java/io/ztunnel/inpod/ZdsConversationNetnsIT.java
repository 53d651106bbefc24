package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.inpod.ScriptedHost.Attempt;
import io.ztunnel.inpod.ScriptedHost.Mood;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.lifecycle.Drain;
import io.ztunnel.net.Netns;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.pod.PodHost;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.OpenFiles;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.ZdsServer;
import io.ztunnel.testkit.ZdsServer.Connection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Conversations about pods with namespaces of their own. Needs root.
@Tag("netns")
@Timeout(120)
class ZdsConversationNetnsIT {
    private static final int HBONE = 15008;

    private static NetnsWorld world;
    private static Pod first;
    private static Pod second;

    @TempDir private Path folder;

    private final ScriptedHost host = new ScriptedHost();

    @BeforeAll
    static void makePods() throws IOException {
        world = new NetnsWorld();
        Node node = world.node("node");
        first = node.pod("first");
        second = node.pod("second");
        // Loads at home what must not be loaded inside a pod.
        ServerSocketChannel.open().close();
    }

    @AfterAll
    static void removeWorld() {
        world.close();
    }

    /// A namespace opened by its name goes by that name.
    private static final String[] KINDS = {"net:", "/run/netns/", "socket:", "anon_inode:"};

    /// Binds the tunnel port in the pod, on the thread that asks.
    private static final PodHost BINDING =
            (uid, info, netns) -> {
                ServerSocketChannel channel = netns.call(ZdsConversationNetnsIT::opened);
                try {
                    channel.bind(new InetSocketAddress(HBONE));
                } catch (IOException taken) {
                    close(channel);
                    netns.close();
                    return CompletableFuture.failedFuture(taken);
                }
                return CompletableFuture.completedFuture(
                        within -> {
                            close(channel);
                            netns.close();
                            return CompletableFuture.completedFuture(null);
                        });
            };

    @Test
    void test_process_add() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host)) {
            try (Connection agent = server.greeted()) {
                assertThat(add(agent, "uid1", first)).isEmpty();
            }
            server.greeted().close();
            assertThat(us.readiness.isReady()).isFalse();
            us.assertCounts(1, 0, 1, 0);
            assertThat(host.last().netns.toString())
                    .isEqualTo(first.namespace().netns().toString());
        }
    }

    @Test
    void theAnswerWaitsUntilAllListenersAreBound() throws Exception {
        host.will(Mood.WAIT);
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            sendAdd(agent, "uid1", first);
            Conversing.until("started", () -> !host.attempts().isEmpty());
            assertThat(agent.isSilent()).isTrue();
            assertThat(us.conversation.report().counts().active()).isZero();

            host.last().bind();

            assertThat(agent.answer()).isEmpty();
            us.assertCounts(1, 0, 1, 0);
        }
    }

    @Test
    void anAttemptThatTakesTooLongIsAnsweredInTimeAndStillCounts() throws Exception {
        host.will(Mood.WAIT);
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host, Duration.ofMillis(30));
                Connection agent = server.greeted()) {
            assertThat(add(agent, "uid1", first))
                    .startsWith("failure to start proxy : ")
                    .contains("still trying");
            assertThat(agent.ask(ZdsServer.snapshotSent())).isEmpty();
            assertThat(us.readiness.isReady()).isFalse();

            host.last().bind();

            us.untilReady();
            us.assertCounts(1, 0, 1, 0);
            assertThat(agent.isSilent()).as("no late answer").isTrue();
        }
    }

    @Test
    void test_process_failed() throws Exception {
        ServerSocketChannel squatter = first.namespace().inside(ZdsConversationNetnsIT::opened);
        squatter.bind(new InetSocketAddress(HBONE));
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), BINDING);
                Connection agent = server.greeted()) {
            assertThat(add(agent, "uid1", first)).startsWith("failure to start proxy : ");
            assertThat(add(agent, "uid2", second)).as("the rest of the node").isEmpty();
            assertThat(agent.ask(ZdsServer.snapshotSent())).isEmpty();
            assertThat(us.readiness.isReady()).isFalse();
            assertThat(us.conversation.report().counts().pending()).isOne();

            squatter.close();

            us.untilReady();
            us.assertCounts(2, 0, 2, 0);
        }
    }

    @Test
    void test_process_add_and_del() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), BINDING);
                Connection agent = server.greeted()) {
            add(agent, "uid1", first);
            agent.ask(ZdsServer.snapshotSent());
            assertThat(agent.ask(ZdsServer.deleteOf("uid1"))).isEmpty();

            us.assertCounts(0, 0, 1, 1);
            us.untilReady();
        }
    }

    @Test
    void test_process_snapshot_with_missing_workload() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), BINDING)) {
            try (Connection agent = server.greeted()) {
                add(agent, "uid1", first);
                add(agent, "uid2", second);
                agent.ask(ZdsServer.snapshotSent());
                us.assertCounts(2, 0, 2, 0);
            }
            try (Connection agent = server.greeted()) {
                // uid2 gives the namespace free at the end of the snapshot only.
                assertThat(agent.ask(ZdsServer.deleteOf("uid2"))).isEmpty();
                assertThat(add(agent, "uid1", first)).isEmpty();
                agent.ask(ZdsServer.snapshotSent());

                us.untilReady();
                us.assertCounts(1, 0, 2, 1);
            }
        }
    }

    @Test
    void add_with_different_netns_keeps_latest_proxy() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            add(agent, "uid1", first);
            assertThat(add(agent, "uid1", first)).isEmpty();
            assertThat(add(agent, "uid1", second)).isEmpty();

            us.assertCounts(1, 0, 2, 1);
            assertThat(host.attempts().getFirst().stops).containsExactly(Conversing.STOP_GRACE);
        }
    }

    @Test
    void podsRunOnWhileTheAgentIsAwayAndAreFoundAgain() throws Exception {
        try (Conversing us = new Conversing(socket(), host)) {
            try (ZdsServer server = ZdsServer.at(socket());
                    Connection agent = server.greeted()) {
                add(agent, "uid1", first);
                add(agent, "uid2", second);
                agent.ask(ZdsServer.snapshotSent());
                us.untilReady();
            }
            us.untilNotReady();
            try (ZdsServer server = ZdsServer.at(socket())) {
                // Vanishes once more in the middle of the snapshot.
                try (Connection agent = server.greeted()) {
                    add(agent, "uid1", first);
                }
                us.assertCounts(2, 0, 2, 0);
                try (Connection agent = server.greeted()) {
                    add(agent, "uid1", first);
                    agent.ask(ZdsServer.keepOf("uid2"));
                    agent.ask(ZdsServer.snapshotSent());
                    us.untilReady();
                }
            }
            us.assertCounts(2, 0, 2, 0);
            assertThat(host.attempts()).allSatisfy(each -> assertThat(each.stops).isEmpty());
        }
    }

    @Test
    void drainingGivesPodsTheDeadlineAndWaitsForThem() throws Exception {
        host.stopsAtOnce = false;
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            add(agent, "uid1", first);
            Attempt pod = host.last();

            us.drain.start(Drain.Mode.GRACEFUL);
            agent.expectClosed();
            Conversing.until(
                    "told to stop", () -> us.conversation.report().counts().stopped() == 1);
            assertThat(us.conversation.end()).isNotDone();
            us.drain.start(Drain.Mode.IMMEDIATE);
            Conversing.until("hurried", () -> pod.stopCount() == 2);
            pod.gone();

            us.conversation.end().get(20, TimeUnit.SECONDS);
            assertThat(pod.stops).containsExactly(us.drain.deadline(), Duration.ZERO);
        }
    }

    @Test
    void tenThousandPodsComeAndGoAndLeaveNothingOpen() throws Exception {
        PodHost bindOrFail =
                (uid, info, netns) -> {
                    // Every tenth cannot be started.
                    if (uid.text().endsWith("7")) {
                        netns.close();
                        return CompletableFuture.failedFuture(new IOException("no"));
                    }
                    return CompletableFuture.completedFuture(
                            within -> {
                                netns.close();
                                return CompletableFuture.completedFuture(null);
                            });
                };
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), bindOrFail);
                Connection agent = server.greeted()) {
            agent.ask(ZdsServer.snapshotSent());
            long before = OpenFiles.count(KINDS);
            for (int i = 0; i < 10_000; i++) {
                String uid = "uid" + i;
                boolean fails = uid.endsWith("7");
                assertThat(add(agent, uid, first).isEmpty()).isEqualTo(!fails);
                if (i % 3 == 0) {
                    add(agent, uid, second);
                }
                assertThat(agent.ask(ZdsServer.deleteOf(uid))).isEmpty();
            }
            Conversing.until(
                    "as many open files as before", () -> OpenFiles.count(KINDS) <= before);
            // The last answer leaves before the report that follows it is published.
            Conversing.until("nobody is left", () -> us.conversation.report().pods().isEmpty());
            assertThat(us.conversation.report().counts().active()).isZero();
        }
    }

    @Test
    void noThreadStaysInAPod() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), BINDING);
                Connection agent = server.greeted()) {
            for (int i = 0; i < 100; i++) {
                assertThat(add(agent, "uid1", i % 2 == 0 ? first : second)).isEmpty();
            }
            us.assertCounts(1, 0, 100, 99);
            try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
                assertThat(threads)
                        .isNotEmpty()
                        .allSatisfy(
                                thread ->
                                        assertThat(
                                                        Files.readSymbolicLink(
                                                                        thread.resolve("ns/net"))
                                                                .toString())
                                                .isEqualTo(Netns.own().toString()));
            }
        }
    }

    private static String add(Connection agent, String uid, Pod pod) throws IOException {
        sendAdd(agent, uid, pod);
        return agent.answer();
    }

    private static void sendAdd(Connection agent, String uid, Pod pod) throws IOException {
        WorkloadRequest request = ZdsServer.addOf(uid);
        int descriptor = Conversing.open(pod.namespace().path());
        agent.send(request.toByteArray(), descriptor);
        LibC.close(descriptor);
    }

    private static ServerSocketChannel opened() {
        try {
            return ServerSocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static void close(ServerSocketChannel channel) {
        try {
            channel.close();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private Path socket() {
        return folder.resolve("z.sock");
    }
}
