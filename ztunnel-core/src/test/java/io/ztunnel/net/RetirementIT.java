package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Pod;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Who waits at a listener that ends is served by somebody, whatever the kernel grants
/// (docs/adr/0010-handover.md). Old and new are what they are in real life, two members each of one
/// `SO_REUSEPORT` group; that they are of one process makes no difference to the kernel.
@Tag("netns")
@Timeout(60)
class RetirementIT {
    private static final int PORT = 15008;
    private static final int CALLERS = 200;
    private static final InetAddress ANY = InetAddress.ofLiteral("::");

    private final Accepted byOld = new Accepted();
    private final Accepted byNew = new Accepted();
    private final List<SocketChannel> callers = new ArrayList<>();
    private NetnsWorld world;
    private Pod pod;
    private Loop loop;

    @BeforeEach
    void makePod() throws Exception {
        world = new NetnsWorld();
        pod = world.node("node").pod("app");
        loop = new Loop();
    }

    @AfterEach
    void removeWorld() throws IOException {
        for (SocketChannel each : callers) {
            each.close();
        }
        loop.close();
        world.close();
    }

    @Test
    void theKernelMovesThoseWhoWaitToTheSuccessor() throws Exception {
        List<Channel> old = group(byOld, true);
        List<Channel> successor = group(byNew, true);
        call(CALLERS);
        retire(old);
        wake(successor);

        assertAllAreServed();
        assertThat(byOld.isEmpty()).isTrue();
    }

    /// Another program that shares the port knows nothing of all this and just closes.
    @Test
    void theKernelMovesThemAlsoFromWhoeverDoesNotAskForIt() throws Exception {
        List<Channel> old = group(byOld, true);
        List<Channel> successor = group(byNew, true);
        call(CALLERS);
        for (Channel each : old) {
            loop.settle(each::close);
        }
        wake(successor);

        assertAllAreServed();
        assertThat(byOld.isEmpty()).isTrue();
    }

    /// The callers have their SYN-ACK and believe to be connected; their ACK has not arrived yet.
    @Test
    void theKernelMovesHandshakesThatAreUnderWay() throws Exception {
        List<Channel> old = group(byOld, false);
        List<Channel> successor = group(byNew, false);
        acks("-A");
        call(CALLERS);
        retire(old);
        acks("-D");

        assertAllAreServed();
        assertThat(byOld.isEmpty()).isTrue();
        assertThat(successor).allMatch(Channel::isOpen);
    }

    private void acks(String change) {
        pod.namespace()
                .run(
                        "iptables",
                        change,
                        "INPUT",
                        "-i",
                        "lo",
                        "-p",
                        "tcp",
                        "--dport",
                        "15008",
                        "--tcp-flags",
                        "SYN,ACK,FIN,RST",
                        "ACK",
                        "-j",
                        "DROP");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void withoutASuccessorTheyAreServedByWhoCloses(boolean migrating) throws Exception {
        List<Channel> old = group(byOld, true);
        if (!migrating) {
            forbidMigration(old);
        }
        call(CALLERS);
        retire(old);

        assertAllAreServed();
        assertThat(old).noneMatch(Channel::isOpen);
    }

    /// An older kernel, or one that refuses us: newcomers go to the successor while those who wait
    /// are served, and afterwards everything is as if nothing had been.
    @Test
    void whereTheKernelMovesNobodyNewcomersAreSteeredToTheSuccessor() throws Exception {
        List<Channel> old = group(byOld, true);
        List<Channel> successor = group(byNew, false);
        forbidMigration(old);
        call(CALLERS);
        int waiting = callers.size();
        Retirement plan = Retirement.plan(pod.namespace().netns(), old.size(), PORT);
        assertThat(plan.isSucceeded()).isTrue();
        CountDownLatch closed = new CountDownLatch(old.size());
        for (Channel each : old) {
            loop.call(() -> plan.begin(each, closed::countDown));
        }
        call(CALLERS);
        for (SocketChannel each : callers.subList(waiting, callers.size())) {
            assertThat(Peers.pingPong(each, 1)).isEqualTo((byte) 1);
        }
        assertThat(byOld.isEmpty()).as("the old ones got a newcomer").isTrue();
        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();

        assertAllAreServed();
        assertThat(old).noneMatch(Channel::isOpen);

        // Whoever joins later must not be the only one that is called.
        Accepted byThird = new Accepted();
        group(byThird, false);
        int before = callers.size();
        call(CALLERS);
        for (SocketChannel each : callers.subList(before, callers.size())) {
            assertThat(Peers.pingPong(each, 1)).isEqualTo((byte) 1);
        }
        assertThat(byThird.count()).isBetween(1, CALLERS - 1);
        assertThat(successor).allMatch(Channel::isOpen);
    }

    @Test
    void onlyThoseWhoListenForEveryAddressCountAsSuccessors() throws Exception {
        List<Channel> own = group(byOld, false);
        Netns netns = pod.namespace().netns();
        Peers.listen(netns, new InetSocketAddress("127.0.0.1", 15001));
        assertThat(PortMembers.least(netns, PORT)).isEqualTo(2);
        assertThat(PortMembers.least(netns, PORT, 15001)).isZero();
        assertThat(Retirement.plan(netns, own.size(), PORT).isSucceeded()).isFalse();
    }

    /// Datagrams wait at nobody's when a socket closes, so whoever closes must not get any first.
    @Test
    void datagramsAreSteeredToTheSuccessorUntilTheOldSocketsAreGone() throws Exception {
        List<Channel> old = group(byOld, false);
        List<Channel> oldDatagrams = datagrams(PortSharing.SHARED, PortSharing.SHARED);
        group(byNew, false);
        List<Channel> successors = datagrams(PortSharing.SHARED, PortSharing.SHARED);
        Retirement plan = Retirement.plan(pod.namespace().netns(), old.size(), PORT);
        send(oldDatagrams, successors);
        assertThat(received(oldDatagrams)).as("before, all get some").isBetween(1, CALLERS - 1);

        List<Retirement.Leaving> leaving = new ArrayList<>();
        for (Channel each : oldDatagrams) {
            leaving.add(loop.call(() -> plan.beginDatagrams(each)));
        }
        int before = received(oldDatagrams);
        send(oldDatagrams, successors);
        assertThat(received(oldDatagrams)).isEqualTo(before);
        for (Retirement.Leaving each : leaving) {
            loop.call(
                    () -> {
                        each.finish();
                        return true;
                    });
        }

        List<Channel> third = datagrams(PortSharing.SHARED, PortSharing.SHARED);
        send(successors, third);
        assertThat(received(third)).as("nobody is steered any more").isBetween(1, CALLERS - 1);
    }

    @Test
    void workersJoinADatagramPortThatNobodyElseMayTake() throws Exception {
        List<Channel> own = datagrams(PortSharing.FOUNDER, PortSharing.JOINING);
        send(own, List.of());
        assertThat(received(own)).isEqualTo(CALLERS);

        ChannelFuture stranger = udp(PortSharing.FOUNDER, new Received());
        assertThat(stranger.cause()).isInstanceOf(java.net.BindException.class);
    }

    private List<Channel> datagrams(PortSharing first, PortSharing second) throws Exception {
        List<Channel> members = new ArrayList<>();
        for (PortSharing each : List.of(first, second)) {
            ChannelFuture bound = udp(each, new Received());
            assertThat(bound.cause()).isNull();
            members.add(bound.channel());
        }
        return members;
    }

    private ChannelFuture udp(PortSharing sharing, Received received) throws Exception {
        return loop.settle(
                () ->
                        UdpSocket.bind(
                                loop.eventLoop(),
                                pod.namespace().netns(),
                                new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 15053),
                                0,
                                sharing,
                                received));
    }

    /// Sends one from each of many ports and waits until they are all with one of the groups.
    private void send(List<Channel> one, List<Channel> other) throws Exception {
        int before = received(one) + received(other);
        for (int i = 0; i < CALLERS; i++) {
            try (DatagramChannel socket = pod.namespace().inside(RetirementIT::datagram)) {
                socket.send(
                        ByteBuffer.allocate(1),
                        new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 15053));
            }
        }
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (received(one) + received(other) < before + CALLERS) {
            assertThat(System.nanoTime()).as("datagrams are missing").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private static DatagramChannel datagram() {
        try {
            return DatagramChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static int received(List<Channel> members) {
        return members.stream()
                .mapToInt(each -> each.pipeline().get(Received.class).count.get())
                .sum();
    }

    private static final class Received extends ChannelInboundHandlerAdapter {
        private final AtomicInteger count = new AtomicInteger();

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            ReferenceCountUtil.release(message);
            count.incrementAndGet();
        }
    }

    private List<Channel> group(Accepted accepted, boolean asleep) throws Exception {
        List<Channel> members = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            ChannelFuture bound =
                    loop.settle(
                            () ->
                                    Listener.bind(
                                            loop.eventLoop(),
                                            pod.namespace().netns(),
                                            new InetSocketAddress(ANY, PORT),
                                            new ListenerSettings(
                                                    PortSharing.SHARED,
                                                    Transparent.OFF,
                                                    1_024,
                                                    false,
                                                    SocketSettings.DEFAULTS),
                                            accepted));
            assertThat(bound.cause()).isNull();
            loop.call(() -> bound.channel().config().setAutoRead(!asleep));
            members.add(bound.channel());
        }
        return members;
    }

    private static void wake(List<Channel> members) {
        members.forEach(each -> each.config().setAutoRead(true));
    }

    private static void forbidMigration(List<Channel> members) {
        for (Channel each : members) {
            each.attr(Migration.GRANTED).set(false);
        }
        members.getFirst().config().setOption(SocketOptions.NO_PROGRAM, 0);
    }

    private void retire(List<Channel> members) throws Exception {
        Retirement plan = Retirement.plan(pod.namespace().netns(), members.size(), PORT);
        for (Channel each : members) {
            Retirement.Leaving leaving = loop.call(() -> plan.begin(each, () -> {}));
            assertThat(leaving.isOver()).isTrue();
        }
    }

    private void call(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            callers.add(
                    Peers.connect(
                            pod.namespace().netns(), new InetSocketAddress("127.0.0.1", PORT)));
        }
    }

    private void assertAllAreServed() throws IOException {
        for (SocketChannel each : callers) {
            assertThat(Peers.pingPong(each, 7)).isEqualTo((byte) 7);
        }
    }
}
