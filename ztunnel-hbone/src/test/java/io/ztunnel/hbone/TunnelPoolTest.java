package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.Promise;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The pool over in-memory wires, time by hand (`docs/spec/dataplane.md` 13.6).
@ExtendWith(LeakCheck.class)
class TunnelPoolTest {

    private final Network network = new Network();
    private TunnelPool<String> pool;
    private TunnelSettings.Builder settings = TunnelSettings.builder();

    /// Opens wires to echoing servers. All client ends share the loop of the first wire's left end.
    private static final class Network implements TunnelOpener<String> {
        final EmbeddedChannel loopHolder = new EmbeddedChannel();
        final List<Wire> wires = new ArrayList<>();
        final List<Tunnel> servers = new ArrayList<>();
        final List<Promise<Channel>> held = new ArrayList<>();
        ConnectHandler handler = new Echo();
        TunnelSettings serverSettings = TunnelSettings.defaults();
        Throwable refusal;
        boolean hold;
        int dials;

        @Override
        public void open(String key, Promise<Channel> secured) {
            dials++;
            if (hold) {
                held.add(secured);
            } else {
                answer(secured);
            }
        }

        void answer(Promise<Channel> secured) {
            if (refusal != null) {
                secured.setFailure(refusal);
                return;
            }
            Wire wire = new Wire();
            wires.add(wire);
            servers.add(TunnelServer.install(wire.right, serverSettings, handler));
            secured.setSuccess(wire.left);
        }

        void carry() {
            for (int i = 0; i < wires.size(); i++) {
                wires.get(i).carry();
            }
        }

        void pass(long millis) {
            List.copyOf(wires).forEach(wire -> wire.pass(millis));
        }

        long open() {
            return wires.stream().filter(wire -> wire.left.isOpen()).count();
        }
    }

    private void limit(int streams) {
        settings.streamsPerTunnel(streams);
    }

    private Opened open(String key) {
        if (pool == null) {
            pool = new TunnelPool<>(network.loopHolder.eventLoop(), settings.build(), network);
        }
        Opened opened = new Opened();
        pool.open(key, ConnectRequest.to("10.0.0.1:80"), opened);
        network.carry();
        return opened;
    }

    private List<Opened> open(String key, int count) {
        List<Opened> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(open(key));
        }
        return all;
    }

    private void end(List<Opened> streams) {
        streams.forEach(opened -> opened.stream.finish());
        network.carry();
    }

    @AfterEach
    void close() {
        if (pool != null) {
            pool.close();
        }
        network.carry();
        network.wires.forEach(Wire::close);
        network.loopHolder.finishAndReleaseAll();
    }

    @Test
    void row106_twoStreamsTwiceUseOneTunnelThatClosesWithThePool() {
        limit(3);
        end(open("a", 2));
        end(open("a", 2));
        assertThat(network.wires).hasSize(1);
        assertThat(network.open()).isEqualTo(1);
        pool.close();
        network.carry();
        assertThat(network.open()).isZero();
    }

    @Test
    void row107_twoKeysNeverShare() {
        open("a");
        open("b");
        assertThat(network.wires).hasSize(2);
        pool.close();
        network.carry();
        assertThat(network.open()).isZero();
    }

    /// Upstream closes both, because a full tunnel never returns to its pool. Ours stay for reuse.
    @Test
    void row108_fourOverlappingStreamsAtLimitTwoNeedTwoTunnels() {
        limit(2);
        List<Opened> four = open("a", 4);
        assertThat(network.wires).hasSize(2);
        end(four);
        assertThat(network.open()).isEqualTo(2);
    }

    /// Upstream needs three new tunnels, five in all; full tunnels that were freed make it three.
    @Test
    void row109_thenFiveOverlappingStreamsNeedOneMore() {
        limit(2);
        end(open("a", 4));
        end(open("a", 5));
        assertThat(network.wires).hasSize(3);
        pool.close();
        network.carry();
        assertThat(network.open()).isZero();
    }

    @Test
    void row110_afterGoAwayTheNextOpeningDialsAgain() {
        end(open("a", 1));
        network.servers.getFirst().shutdown();
        network.carry();
        assertThat(network.open()).isZero();
        assertThat(open("a").stream).isNotNull();
        assertThat(network.wires).hasSize(2);
    }

    /// Upstream closes both after use; ours stay for reuse.
    @Test
    void row111_atLimitOneEachOverlappingStreamHasItsTunnel() {
        limit(1);
        end(open("a", 2));
        assertThat(network.wires).hasSize(2);
        assertThat(pool.stats().tunnels()).isZero();
        end(open("a", 2));
        assertThat(network.wires).hasSize(4);
    }

    @Test
    void row112_ahundredOverlappingStreamsShareOneTunnel() {
        limit(101);
        open("a", 100);
        assertThat(network.wires).hasSize(1);
    }

    @Test
    void row113_ahundredKeysNeedAHundredTunnels() {
        for (int i = 0; i < 100; i++) {
            open("key-" + i);
        }
        assertThat(network.wires).hasSize(100);
        assertThat(pool.stats()).isEqualTo(new TunnelPool.Stats(100, 100, 100, 0, 0));
    }

    @Test
    void row114_threeHundredConcurrentRequestsOverThreeKeysNeedThreeTunnels() {
        network.hold = true;
        List<Opened> all = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            all.add(open("key-" + i % 3));
        }
        assertThat(network.dials).isEqualTo(3);
        List.copyOf(network.held).forEach(network::answer);
        network.carry();
        assertThat(network.wires).hasSize(3);
        assertThat(all).allMatch(opened -> opened.stream != null);
    }

    @Test
    void row115_anUnusedTunnelIsReleased() {
        settings.unusedRelease(Duration.ofMillis(100));
        end(open("a", 2));
        network.pass(99);
        assertThat(network.open()).isEqualTo(1);
        network.pass(1);
        assertThat(network.open()).isZero();
        assertThat(pool.stats().keys()).isZero();
    }

    @Test
    void row116_aLongStreamKeepsItsTunnel() {
        settings.unusedRelease(Duration.ofMillis(100));
        limit(4);
        Opened longOne = open("a");
        end(open("a", 2));
        network.pass(1000);
        assertThat(network.open()).isEqualTo(1);
        assertThat(network.wires).hasSize(1);
        assertThat(longOne.stream.isWritable()).isTrue();
    }

    @Test
    void row117_118_theSecondTunnelIsReleasedFirstTheFirstWhenItsStreamEnds() {
        settings.unusedRelease(Duration.ofMillis(100));
        limit(4);
        Opened longOne = open("a");
        end(open("a", 4));
        assertThat(network.wires).hasSize(2);
        network.pass(100);
        assertThat(network.open()).isEqualTo(1);
        assertThat(network.wires.getFirst().left.isOpen()).isTrue();
        longOne.stream.finish();
        network.carry();
        network.pass(100);
        assertThat(network.open()).isZero();
    }

    @Test
    void row119_bytesArriveInOrderHoweverSmallThePieces() {
        Opened opened = open("a");
        opened.stream.write(Unpooled.copiedBuffer("hello world", StandardCharsets.US_ASCII));
        opened.stream.flush();
        network.wires.getFirst().carry(1);
        assertThat(opened.received.text()).isEqualTo("hello world");
    }

    @Test
    void row120_bytesHeldWhenThePoolClosesAreStillReadThenTheError() {
        pool = new TunnelPool<>(network.loopHolder.eventLoop(), settings.build(), network);
        TunnelStream[] stream = new TunnelStream[1];
        pool.open(
                "a",
                ConnectRequest.to("x:1"),
                new OpenListener() {
                    @Override
                    public void onOpen(TunnelStream opened) {
                        stream[0] = opened;
                        opened.write(Unpooled.copiedBuffer("abc", StandardCharsets.US_ASCII));
                        opened.flush();
                    }

                    @Override
                    public void onFailure(OpenFailure failure) {
                        throw new AssertionError(failure.text());
                    }
                });
        network.carry();
        pool.close();
        network.carry();

        Recorder recorder = Recorder.on(stream[0]);

        assertThat(recorder.text()).isEqualTo("abc");
        assertThat(recorder.events).containsExactly("data", "complete", "reset");
    }

    @Test
    void row121_aTunnelDeadAtCheckoutIsPassedOver() {
        end(open("a", 1));
        network.wires.getFirst().left.close();
        assertThat(open("a").stream).isNotNull();
        assertThat(network.wires).hasSize(2);
    }

    @Test
    void aFailedDialFailsAllWhoWaitedAndNothingIsRemembered() {
        network.hold = true;
        List<Opened> waiting = open("a", 5);
        network.refusal = new ConnectException("Connection refused (os error 111)");
        network.answer(network.held.getFirst());
        assertThat(waiting)
                .allMatch(
                        one ->
                                one.failure
                                        .text()
                                        .equals("io error: Connection refused (os error 111)"));
        network.refusal = null;
        network.hold = false;
        assertThat(open("a").stream).isNotNull();
        assertThat(network.dials).isEqualTo(2);
    }

    @Test
    void aRefusedStreamIsTriedAgainOnAnotherTunnel() {
        end(open("a", 1));
        network.serverSettings = TunnelSettings.builder().maxConcurrentStreams(1).build();
        network.servers.getFirst().shutdown();
        network.carry();
        List<Opened> both = open("a", 2);
        assertThat(both).allMatch(opened -> opened.stream != null);
        assertThat(network.wires).hasSize(3);
    }

    @Test
    void aStreamAboveTheLastOneOfAGoAwayIsTriedAgain() {
        network.handler = new Echo();
        Opened first = open("a");
        Wire wire = network.wires.getFirst();
        Opened second = new Opened();
        network.servers.getFirst().drain();
        wire.right.runPendingTasks();
        Wire.drain(wire.right).release();
        pool.open("a", ConnectRequest.to("x:1"), second);
        wire.left.writeInbound(
                Unpooled.wrappedBuffer(
                        new byte[] {0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}));
        network.carry();
        assertThat(second.stream).isNotNull();
        assertThat(network.wires).hasSize(2);
        assertThat(first.received.failure).isNull();
    }

    /// A peer that restarts says GOAWAY on all of its tunnels, one after the other is heard: each a
    /// try.
    @Test
    void anOpeningThatEveryTunnelLeavesOutIsTriedFourTimesAndNotFive() {
        for (int leaving : new int[] {3, 4}) {
            network.wires.forEach(wire -> wire.left.close());
            int before = network.wires.size();
            Opened opened = new Opened();
            if (pool == null) {
                pool = new TunnelPool<>(network.loopHolder.eventLoop(), settings.build(), network);
            }
            pool.open("a", ConnectRequest.to("x:1"), opened);
            for (int i = 0; i < leaving; i++) {
                network.wires
                        .get(before + i)
                        .left
                        .writeInbound(
                                Unpooled.wrappedBuffer(
                                        new byte[] {
                                            0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0,
                                            0, 0, 0, 0, 0, 0, 0
                                        }));
            }
            network.carry();
            assertThat(network.wires).hasSize(before + 4);
            assertThat(opened.stream != null).isEqualTo(leaving == 3);
        }
    }

    @Test
    void whoeverCancelsWhileWaitingIsNotTold() {
        network.hold = true;
        pool = new TunnelPool<>(network.loopHolder.eventLoop(), settings.build(), network);
        Opened opened = new Opened();
        Opening opening = pool.open("a", ConnectRequest.to("x:1"), opened);
        opening.cancel();
        network.answer(network.held.getFirst());
        network.carry();
        assertThat(opened.stream).isNull();
        assertThat(opened.failure).isNull();
        assertThat(pool.stats()).isEqualTo(new TunnelPool.Stats(1, 1, 0, 0, 0));
    }

    @Test
    void keysWithTheSameHashNeverShare() {
        // "Aa" and "BB" have one hash.
        open("Aa");
        open("BB");
        assertThat(network.wires).hasSize(2);
    }

    @Test
    void aClosedPoolFailsEveryOpening() {
        network.hold = true;
        Opened waiting = open("a");
        pool.close();
        network.answer(network.held.getFirst());
        assertThat(waiting.failure).isInstanceOf(OpenFailure.TunnelLost.class);
        assertThat(open("a").failure).isInstanceOf(OpenFailure.TunnelLost.class);
        network.carry();
        assertThat(network.open()).isZero();
    }

    /// docs/spec/dataplane.md row 198, the sharper half: found out by use, within seconds.
    @Test
    void row198_anOpeningOnADeadTunnelGoesToANewOne() {
        Opened first = open("a");
        network.pass(2_000);
        Opened second = new Opened();
        pool.open("a", ConnectRequest.to("10.0.0.1:80"), second);
        // Nothing is carried: the peer is gone without a word.
        network.wires.getFirst().left.advanceTimeBy(2_000, TimeUnit.MILLISECONDS);
        network.wires.getFirst().left.runScheduledPendingTasks();
        assertThat(network.dials).isEqualTo(2);
        network.wires.get(1).carry();
        assertThat(second.stream).isNotNull();
        assertThat(first.received.failure).isNull();
    }
}
