package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;

@ExtendWith(LeakCheck.class)
class FlowControlTest {

    private final Echo echo = new Echo();
    private RawPeer peer = RawPeer.ofServer(TunnelSettings.defaults(), echo);

    @AfterEach
    void close() {
        peer.close();
    }

    private TunnelStream stream(int index) {
        return echo.streams.get(index);
    }

    private void largeWindows() {
        peer.send(
                        out -> {
                            FrameWriter.settings(out, 4, 1 << 24, 5, 1 << 20);
                            FrameWriter.windowUpdate(out, 0, 1 << 24);
                        })
                .frames();
    }

    @Test
    void theDataHeaderIsWrittenInFrontOfThePayloadWithoutCopy() {
        largeWindows();
        peer.connect(1).frames();
        ByteBuf data = peer.channel.alloc().buffer(9 + 60_000);
        data.writeZero(9 + 60_000).skipBytes(9);
        stream(0).write(data);
        stream(0).flush();
        ByteBuf written = peer.channel.readOutbound();
        assertThat(written).isSameAs(data);
        assertThat(written.readableBytes()).isEqualTo(60_009);
        assertThat(written.getUnsignedMedium(0)).isEqualTo(60_000);
        written.release();
    }

    @Test
    void aSharedBufferIsNotWrittenInto() {
        largeWindows();
        peer.connect(1).frames();
        ByteBuf data = Unpooled.buffer().writeZero(5_009).skipBytes(9).retain();
        stream(0).write(data);
        stream(0).flush();
        assertThat(peer.frames()).containsExactly("DATA 1 5000");
        assertThat(data.getLong(0)).isZero();
        data.release();
    }

    @Test
    void vectors28_tenBytesOfWindowLetTenBytesGo() {
        peer.send(out -> FrameWriter.settings(out, 4, 10)).connect(1).frames();
        stream(0).write(Unpooled.copiedBuffer(new byte[16]));
        stream(0).flush();
        assertThat(peer.frames()).containsExactly("DATA 1 10");
        stream(0).finish();
        assertThat(peer.frames()).isEmpty();
        peer.frame(8, 0, 1, 0, 0, 0, 20);
        assertThat(peer.frames()).containsExactly("DATA 1 6 END");
    }

    @Test
    void aWriterIsToldWhenItsQueueIsFullAndWhenThereIsRoom() {
        peer.connect(1).frames();
        Recorder recorder = Recorder.on(stream(0));
        while (stream(0).isWritable()) {
            stream(0).write(Unpooled.copiedBuffer(new byte[10_000]));
        }
        stream(0).flush();
        // 65535 bytes of window left; the queue holds the rest.
        assertThat(recorder.events).contains("writable");
        while (stream(0).isWritable()) {
            stream(0).write(Unpooled.copiedBuffer(new byte[10_000]));
        }
        recorder.events.clear();
        stream(0).flush();
        peer.frames();
        assertThat(recorder.events).isEmpty();
        peer.frame(8, 0, 0, 0, 2, 0, 0).frame(8, 0, 1, 0, 2, 0, 0);
        assertThat(recorder.events).contains("writable");
    }

    @Test
    void aStreamNobodyReadsDoesNotStallItsSibling() {
        peer.connect(1).connect(3).frames();
        Recorder slow = Recorder.on(stream(0));
        slow.consumes = false;
        Recorder quick = Recorder.on(stream(1));
        for (int i = 0; i < 64; i++) {
            peer.data(1, 65_536, false);
        }
        for (int i = 0; i < 400; i++) {
            peer.data(3, 65_536, false);
        }
        assertThat(quick.bytes.size()).isEqualTo(400 * 65_536);
        assertThat(slow.bytes.size()).isEqualTo(64 * 65_536);
        assertThat(peer.frames()).noneMatch(line -> line.startsWith("WINDOW 1 "));
        stream(0).consumed(64 * 65_536);
        assertThat(peer.frames()).contains("WINDOW 1 " + 64 * 65_536);
    }

    @Test
    void unreadBytesBeyondTheBudgetWithholdCreditUntilTheyAreRead() {
        peer.close();
        peer =
                RawPeer.ofServer(
                        TunnelSettings.builder()
                                .streamWindow(1 << 20)
                                .connectionWindow(1 << 20)
                                .receiveBudget(1 << 18)
                                .build(),
                        echo);
        peer.connect(1).frames();
        Recorder recorder = Recorder.on(stream(0));
        recorder.consumes = false;
        for (int i = 0; i < 16; i++) {
            peer.data(1, 65_536, false);
        }
        // Only the budget came back.
        long given = sum(peer.frames());
        assertThat(given).isLessThanOrEqualTo(1 << 18);
        stream(0).consumed(1 << 20);
        assertThat(given + sum(peer.frames())).isEqualTo(1 << 20);
    }

    private static long sum(List<String> frames) {
        return frames.stream()
                .filter(line -> line.startsWith("WINDOW 0 "))
                .mapToLong(line -> Long.parseLong(line.substring(9)))
                .sum();
    }

    @Test
    void aSmallMessageOvertakesTheBulkOfItsSiblings() {
        largeWindows();
        peer.connect(1).connect(3).frames();
        // The connection's window is the bottleneck: it is opened bit by bit.
        peer.close();
        peer = RawPeer.ofServer(TunnelSettings.defaults(), echo);
        echo.streams.clear();
        peer.connect(1).connect(3).connect(5).frames();
        peer.send(out -> FrameWriter.settings(out, 4, 1 << 24)).frames();
        for (int i = 0; i < 10; i++) {
            stream(0).write(Unpooled.copiedBuffer(new byte[16_384]));
            stream(1).write(Unpooled.copiedBuffer(new byte[16_384]));
        }
        stream(0).flush();
        peer.frames();
        stream(2).write(Unpooled.copiedBuffer(new byte[100]));
        stream(2).flush();
        peer.frame(8, 0, 0, 0, 1, 0, 0);
        List<String> frames = peer.frames();
        assertThat(frames.indexOf("DATA 5 100")).isBetween(0, 2);
        peer.frame(8, 0, 0, 0, 16, 0, 0);
        frames = peer.frames();
        assertThat(frames).filteredOn(line -> line.startsWith("DATA 1 ")).hasSizeGreaterThan(3);
        for (int i = 2; i < 8; i++) {
            // Bulk takes turns.
            assertThat(frames.get(i).substring(0, 7))
                    .isNotEqualTo(frames.get(i - 1).substring(0, 7));
        }
    }

    @Test
    void resettingAStreamReleasesItsQueueAndGivesCreditBack() {
        peer.connect(1).frames();
        Recorder recorder = Recorder.on(stream(0));
        recorder.consumes = false;
        for (int i = 0; i < 20; i++) {
            stream(0).write(Unpooled.copiedBuffer(new byte[10_000]));
        }
        stream(0).reset(ResetCode.CANCEL);
        stream(0).reset(ResetCode.CANCEL);
        assertThat(peer.frames()).containsExactly("RST 1 8");
        stream(0).write(Unpooled.copiedBuffer(new byte[10]));
        stream(0).flush();
        assertThat(peer.frames()).isEmpty();
        assertThat(recorder.events).doesNotContain("reset");
        assertThat(stream(0).outputFinished()).isTrue();
        assertThat(stream(0).inputFinished()).isTrue();
    }

    @Test
    void aReceiverThatThrowsLosesItsStreamOnly() {
        peer.connect(1).connect(3).frames();
        stream(0)
                .receiver(
                        new Recorder(stream(0)) {
                            @Override
                            public void onData(ByteBuf data) {
                                data.release();
                                throw new IllegalStateException("on purpose");
                            }
                        });
        peer.data(1, 3, false).data(3, 3, false);
        assertThat(peer.frames()).containsExactly("RST 1 2", "DATA 3 3");
    }
}
