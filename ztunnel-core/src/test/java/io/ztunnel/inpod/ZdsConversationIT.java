package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.lifecycle.Drain;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SeqPacketListener;
import io.ztunnel.net.linux.SeqPacketSocket;
import io.ztunnel.net.linux.SystemCallException;
import io.ztunnel.testkit.ZdsServer;
import io.ztunnel.testkit.ZdsServer.Connection;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Conversations on a real socket that need no namespace but our own
/// (docs/spec/inpod-and-deployment.md 1.3 to 1.7).
@Timeout(60)
class ZdsConversationIT {
    private static final Path OWN_NETNS = Path.of("/proc/self/ns/net");
    private static final Path NO_NETNS = Path.of("/dev/null");
    private static final Path OTHER_KIND = Path.of("/proc/self/ns/uts");

    @TempDir private Path folder;

    private final ScriptedHost host = new ScriptedHost();

    @Test
    void helloComesFirstAndNothingElseUnasked() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing _ = new Conversing(socket(), host);
                Connection agent = server.accept()) {
            assertThat(agent.packet()).containsExactly(8, 1);
            assertThat(agent.ask(ZdsServer.keepOf("uid0"))).isEmpty();
            assertThat(agent.isSilent()).isTrue();
        }
    }

    @Test
    void readyWithTheEndOfTheSnapshotAndNotBefore() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            assertThat(us.readiness.body())
                    .isEqualTo("not ready, pending: workload proxy manager\n");
            agent.ask(ZdsServer.keepOf("uid0"));
            assertThat(us.readiness.isReady()).isFalse();

            assertThat(agent.ask(ZdsServer.snapshotSent())).isEmpty();

            us.untilReady();
        }
    }

    @Test
    void aDeleteOfAnUnknownPodIsDone() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing _ = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            agent.ask(ZdsServer.snapshotSent());

            assertThat(agent.ask(ZdsServer.deleteOf("uid0"))).isEmpty();
        }
    }

    /// What, packet, kind of the descriptors, their number.
    static Stream<Arguments> brokenPackets() {
        byte[] add = ZdsServer.addOf("uid0").toByteArray();
        byte[] long1025 = new byte[1025];
        byte[] paddedAdd = Arrays.copyOf(add, 2000);
        return Stream.of(
                Arguments.of("garbage", new byte[] {-1, -1, -1}, OWN_NETNS, 0),
                Arguments.of("garbage with a descriptor", new byte[] {-1, -1}, OWN_NETNS, 1),
                Arguments.of(
                        "an unknown payload with a descriptor", new byte[] {0x32, 0}, OWN_NETNS, 1),
                Arguments.of("more than 1024 bytes", long1025, OWN_NETNS, 0),
                Arguments.of("an add of more than 1024 bytes", paddedAdd, OWN_NETNS, 1),
                Arguments.of("add without descriptor", add, OWN_NETNS, 0),
                Arguments.of("add with two descriptors", add, OWN_NETNS, 2),
                Arguments.of("add with three descriptors", add, OWN_NETNS, 3),
                Arguments.of("add with two files", add, NO_NETNS, 2),
                Arguments.of(
                        "keep with a descriptor",
                        ZdsServer.keepOf("uid0").toByteArray(),
                        OWN_NETNS,
                        1),
                Arguments.of(
                        "del with a descriptor",
                        ZdsServer.deleteOf("uid0").toByteArray(),
                        OWN_NETNS,
                        1),
                Arguments.of(
                        "snapshot_sent with a descriptor",
                        ZdsServer.snapshotSent().toByteArray(),
                        NO_NETNS,
                        1));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("brokenPackets")
    void aBrokenPacketIsRefusedAndTheConversationBeginsAnew(
            String what, byte[] packet, Path file, int count) throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host)) {
            try (Connection agent = server.greeted()) {
                agent.ask(ZdsServer.snapshotSent());
                us.untilReady();

                send(agent, packet, file, count);

                assertThat(agent.answer()).startsWith("failure to read message : ");
                agent.expectClosed();
            }
            try (Connection again = server.greeted()) {
                assertThat(us.readiness.isReady()).isFalse();
                assertThat(again.ask(ZdsServer.snapshotSent())).isEmpty();
                us.untilReady();
            }
            assertThat(host.attempts()).isEmpty();
        }
    }

    @Test
    void anEmptyPacketIsTheEndEvenWithADescriptor() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing _ = new Conversing(socket(), host)) {
            try (Connection agent = server.greeted()) {
                send(agent, new byte[0], OWN_NETNS, 1);
                agent.expectClosed();
            }
            server.greeted().close();
        }
    }

    @Test
    void manyBrokenPacketsLeaveNothingOpen() throws Exception {
        byte[] add = ZdsServer.addOf("uid0").toByteArray();
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing _ = new Conversing(socket(), host)) {
            for (int round = 0; round < 300; round++) {
                try (Connection agent = server.greeted()) {
                    send(agent, add, round % 2 == 0 ? OWN_NETNS : NO_NETNS, 2 + round % 3);
                    assertThat(agent.answer()).startsWith("failure to read message : ");
                }
            }
            // Conversing.close counts what is open.
        }
    }

    @Test
    void whatIsNoNetworkNamespaceIsRefusedAndTheConversationGoesOn() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            for (Path file : List.of(NO_NETNS, OTHER_KIND)) {
                assertThat(ask(agent, ZdsServer.addOf("uid0"), file))
                        .startsWith("failure to start proxy : ");
            }
            assertThat(agent.ask(ZdsServer.snapshotSent())).isEmpty();

            us.untilReady();
            assertThat(us.conversation.report().counts().refused()).isEqualTo(2);
            assertThat(host.attempts()).isEmpty();
        }
    }

    @Test
    void ourOwnNamespaceIsRefused() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing _ = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            assertThat(ask(agent, ZdsServer.addOf("uid0"), OWN_NETNS))
                    .isEqualTo(
                            "failure to start proxy : "
                                    + "the network namespace is the node proxy's own");
            assertThat(host.attempts()).isEmpty();
        }
    }

    @Test
    void no_workload_info_rejected() throws Exception {
        WorkloadRequest add =
                WorkloadRequest.newBuilder().setAdd(AddWorkload.newBuilder().setUid("u")).build();
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing _ = new Conversing(socket(), host)) {
            try (Connection agent = server.greeted()) {
                assertThat(ask(agent, add, OWN_NETNS)).startsWith("failure to process message : ");
                agent.expectClosed();
            }
            server.greeted().close();
        }
    }

    static Stream<WorkloadRequest> illegalAfterTheSnapshot() {
        return Stream.of(ZdsServer.keepOf("uid0"), ZdsServer.snapshotSent());
    }

    @ParameterizedTest
    @MethodSource("illegalAfterTheSnapshot")
    void aBrokenProtocolEndsTheConversationAndNotTheProcess(WorkloadRequest request)
            throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host)) {
            try (Connection agent = server.greeted()) {
                agent.ask(ZdsServer.snapshotSent());
                assertThat(agent.ask(request)).startsWith("failure to process message : ");
                agent.expectClosed();
            }
            us.untilNotReady();
            try (Connection again = server.greeted()) {
                again.ask(ZdsServer.snapshotSent());
                us.untilReady();
            }
        }
    }

    @Test
    void theServerMayVanishInTheMiddleOfTheSnapshot() throws Exception {
        try (Conversing us = new Conversing(socket(), host)) {
            try (ZdsServer server = ZdsServer.at(socket());
                    Connection agent = server.greeted()) {
                agent.ask(ZdsServer.keepOf("uid0"));
            }
            try (ZdsServer server = ZdsServer.at(socket());
                    Connection agent = server.greeted()) {
                assertThat(us.readiness.isReady()).isFalse();
                agent.ask(ZdsServer.snapshotSent());
                us.untilReady();
            }
            us.untilNotReady();
        }
    }

    @Test
    void theServerMayComeLater() throws Exception {
        try (Conversing us = new Conversing(socket(), host)) {
            // A file that nobody listens on any more, then a server.
            SeqPacketListener.listen(socket(), 1).close();
            try (ZdsServer server = ZdsServer.at(socket());
                    Connection agent = server.greeted()) {
                agent.ask(ZdsServer.snapshotSent());
                us.untilReady();
            }
        }
    }

    @Test
    void aFullQueueOfTheServerIsTriedAgain() throws Exception {
        List<SeqPacketSocket> queued = new ArrayList<>();
        try (ZdsServer server = ZdsServer.at(socket())) {
            assertThatThrownBy(() -> fill(queued)).hasMessageContaining("EAGAIN");
            for (SeqPacketSocket each : queued) {
                each.close();
            }
            try (Conversing us = new Conversing(socket(), host)) {
                // Whoever filled the queue says no hello.
                for (int i = 0; i < queued.size(); i++) {
                    server.accept().close();
                }
                try (Connection agent = server.greeted()) {
                    agent.ask(ZdsServer.snapshotSent());
                    us.untilReady();
                }
            }
        }
    }

    @Test
    void test_process_failed_announce() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host)) {
            for (int i = 0; i < 5; i++) {
                server.accept().close();
                assertThat(us.readiness.isReady()).isFalse();
            }
            server.greeted().close();
        }
    }

    @Test
    void drainingClosesTheConversationAtOnce() throws Exception {
        try (ZdsServer server = ZdsServer.at(socket());
                Conversing us = new Conversing(socket(), host);
                Connection agent = server.greeted()) {
            agent.ask(ZdsServer.snapshotSent());

            us.drain.start(Drain.Mode.GRACEFUL);

            agent.expectClosed();
            us.conversation.end().get(20, TimeUnit.SECONDS);
            us.drain.done().get(20, TimeUnit.SECONDS);
            assertThat(us.readiness.isReady()).isFalse();
        }
    }

    @Test
    void drainingEndsEvenWhileNobodyAnswersAtTheSocket() throws Exception {
        try (Conversing us = new Conversing(socket(), host)) {
            us.drain.start(Drain.Mode.GRACEFUL);

            us.conversation.end().get(20, TimeUnit.SECONDS);
        }
    }

    private void fill(List<SeqPacketSocket> queued) throws SystemCallException {
        for (int i = 0; i < 100; i++) {
            queued.add(SeqPacketSocket.connect(socket(), ZdsCodec.MAX_PACKET_BYTES));
        }
    }

    private static String ask(Connection agent, WorkloadRequest request, Path file)
            throws IOException {
        send(agent, request.toByteArray(), file, 1);
        return agent.answer();
    }

    private static void send(Connection agent, byte[] packet, Path file, int count)
            throws IOException {
        assertThat(Files.exists(file)).isTrue();
        int descriptor = Conversing.open(file);
        int[] all = new int[count];
        Arrays.fill(all, descriptor);
        agent.send(packet, all);
        LibC.close(descriptor);
    }

    private Path socket() {
        return folder.resolve("z.sock");
    }
}
