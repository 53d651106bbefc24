package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/// What RFC 9113 says about errors, sections in the names.
@ExtendWith(LeakCheck.class)
class Rfc9113ServerTest {

    private static final long PROTOCOL_ERROR = 1;
    private static final long FLOW_CONTROL_ERROR = 3;
    private static final long STREAM_CLOSED = 5;
    private static final long FRAME_SIZE_ERROR = 6;
    private static final long REFUSED_STREAM = 7;
    private static final long COMPRESSION_ERROR = 9;
    private static final long ENHANCE_YOUR_CALM = 11;

    private final Echo echo = new Echo();
    private RawPeer peer = RawPeer.ofServer(TunnelSettings.defaults(), echo);

    @AfterEach
    void close() {
        peer.close();
    }

    private void dies(int last, long code) {
        assertThat(peer.frames()).contains("GOAWAY " + last + " " + code);
        assertThat(peer.isOpen()).isFalse();
        assertThat(echo.closed).isTrue();
    }

    @Test
    void s3_4_anythingButThePrefaceIsRefused() {
        EmbeddedChannel channel = new EmbeddedChannel();
        TunnelServer.install(channel, TunnelSettings.defaults(), echo);
        channel.writeInbound(
                Unpooled.copiedBuffer("GET / HTTP/1.1\r\n\r\n", StandardCharsets.US_ASCII));
        FrameLog log = new FrameLog(false);
        assertThat(log.read(Wire.drain(channel))).contains("GOAWAY 0 1");
        assertThat(channel.isOpen()).isFalse();
        log.close();
    }

    @Test
    void s3_4_silenceInsteadOfThePrefaceEndsTheConnection() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        TunnelServer.install(channel, TunnelSettings.defaults(), echo);
        channel.advanceTimeBy(10, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isOpen()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void s4_2_aFrameLargerThanAnnounced() {
        peer.send(out -> out.writeMedium(1_048_577).writeByte(0).writeByte(0).writeInt(1));
        dies(0, FRAME_SIZE_ERROR);
    }

    @Test
    void s4_3_aBrokenHeaderBlock() {
        peer.frame(1, 4, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
        dies(0, COMPRESSION_ERROR);
    }

    @Test
    void s5_1_dataOnAnIdleStream() {
        peer.data(1, 3, false);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s5_1_resetOfAnIdleStream() {
        peer.frame(3, 0, 1, 0, 0, 0, 8);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s5_1_windowUpdateOnAnIdleStream() {
        peer.frame(8, 0, 1, 0, 0, 0, 8);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s5_1_dataAfterEndStream() {
        peer.connect(1);
        echo.streams.getFirst().receiver(new Recorder(echo.streams.getFirst()));
        peer.data(1, 3, true).data(1, 3, false);
        assertThat(peer.frames()).contains("RST 1 " + STREAM_CLOSED);
        assertThat(peer.isOpen()).isTrue();
    }

    @Test
    void s5_1_headersOnAClosedStream() {
        peer.connect(1).data(1, 0, true);
        assertThat(peer.frames()).contains("DATA 1 0 END");
        peer.connect(1);
        dies(1, STREAM_CLOSED);
    }

    @Test
    void s5_1_framesThatCrossOurResetAreForgiven() {
        peer.connect(1);
        echo.streams.getFirst().reset(8);
        assertThat(peer.frames()).contains("RST 1 8");
        peer.data(1, 100, false).connect(1).frame(3, 0, 1, 0, 0, 0, 8).frame(8, 0, 1, 0, 0, 0, 8);
        assertThat(peer.frames()).isEmpty();
        assertThat(peer.isOpen()).isTrue();
    }

    @Test
    void s5_1_1_evenStreamFromAClient() {
        peer.connect(2);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s5_1_1_streamIdsMustGrow() {
        peer.connect(5);
        peer.connect(3);
        dies(5, STREAM_CLOSED);
    }

    @Test
    void s5_1_2_row0c_streamsBeyondTheLimitAreRefused() {
        for (int i = 0; i < 200; i++) {
            peer.connect(2 * i + 1);
        }
        assertThat(peer.frames()).hasSize(200).allMatch(line -> line.endsWith(" 200"));
        peer.connect(401);
        assertThat(peer.frames()).containsExactly("RST 401 " + REFUSED_STREAM);
        peer.frame(3, 0, 1, 0, 0, 0, 8).connect(403);
        assertThat(peer.frames()).containsExactly("HEADERS 403 200");
    }

    @Test
    void s5_5_unknownFramesAndFlagsAreIgnored() {
        peer.frame(0xbe, 0xff, 0, 1, 2, 3).frame(6, 0xfe, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(peer.frames()).containsExactly("PING ACK");
    }

    @Test
    void s6_1_dataOnStreamZero() {
        peer.data(0, 1, false);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_1_paddingIsNotDeliveredButCounted() {
        peer.connect(1);
        Recorder recorder = Recorder.on(echo.streams.getFirst());
        peer.frame(0, 8, 1, 2, 'a', 'b', 0, 0);
        assertThat(recorder.text()).isEqualTo("ab");
        peer.frame(0, 9, 1, 5, 'a', 'b', 0, 0);
        dies(1, PROTOCOL_ERROR);
    }

    @Test
    void s6_2_headersOnStreamZero() {
        peer.connect(0);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_2_priorityAndPaddingInHeadersAreSkipped() {
        // :method CONNECT and :authority a as literals without indexing.
        int[] block = {
            0, 7, ':', 'm', 'e', 't', 'h', 'o', 'd', 7, 'C', 'O', 'N', 'N', 'E', 'C', 'T', 0, 10,
            ':', 'a', 'u', 't', 'h', 'o', 'r', 'i', 't', 'y', 1, 'a'
        };
        int[] payload = new int[block.length + 8];
        payload[0] = 2;
        System.arraycopy(block, 0, payload, 6, block.length);
        peer.frame(1, 0x2c, 1, payload);
        assertThat(peer.frames()).containsExactly("HEADERS 1 200");
        assertThat(echo.requests.getFirst().authority()).isEqualTo("a");
    }

    @Test
    void s6_2_paddingLargerThanTheHeaders() {
        peer.frame(1, 0xc, 1, 9, 0x82);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_3_priorityIsIgnoredWhateverItsSize() {
        peer.frame(2, 0, 1, 0, 0, 0, 0, 1).frame(2, 0, 1, 0);
        assertThat(peer.frames()).isEmpty();
        peer.frame(2, 0, 0, 0, 0, 0, 0, 1);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_4_resetOnStreamZero() {
        peer.frame(3, 0, 0, 0, 0, 0, 8);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_4_resetOfTheWrongSize() {
        peer.connect(1).frame(3, 0, 1, 0, 0, 0);
        dies(1, FRAME_SIZE_ERROR);
    }

    @Test
    void s6_4_aResetIsDeliveredWithItsCode() {
        peer.connect(1);
        Recorder recorder = Recorder.on(echo.streams.getFirst());
        peer.frame(3, 0, 1, 0, 0, 0, 2);
        assertThat(recorder.failure).isEqualTo(new StreamFailure.Reset(2, true));
        assertThat(echo.streams.getFirst().isWritable()).isFalse();
    }

    @Test
    void s6_5_settingsOnAStream() {
        peer.frame(4, 0, 1);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_5_settingsOfTheWrongSize() {
        peer.frame(4, 0, 0, 1, 2, 3);
        dies(0, FRAME_SIZE_ERROR);
    }

    @Test
    void s6_5_acknowledgementWithPayload() {
        peer.frame(4, 1, 0, 0, 4, 0, 0, 0, 1);
        dies(0, FRAME_SIZE_ERROR);
    }

    @Test
    void s6_5_2_enablePushMustBe0Or1() {
        peer.send(out -> FrameWriter.settings(out, 2, 2));
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_5_2_initialWindowSizeTooLarge() {
        peer.send(out -> FrameWriter.settings(out, 4, Integer.MIN_VALUE));
        dies(0, FLOW_CONTROL_ERROR);
    }

    @Test
    void s6_5_2_maxFrameSizeOutOfRange() {
        peer.send(out -> FrameWriter.settings(out, 5, 16_383));
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_5_2_unknownSettingsAreIgnoredAndAcknowledged() {
        peer.send(out -> FrameWriter.settings(out, 0x77, 5, 1, 0, 6, 10));
        assertThat(peer.frames()).containsExactly("SETTINGS ACK");
        peer.connect(1).connect(3);
        assertThat(peer.frames()).containsExactly("HEADERS 1 200", "HEADERS 3 200");
    }

    @Test
    void s6_6_pushPromise() {
        peer.frame(5, 4, 1, 0, 0, 0, 2);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_7_pingIsAnsweredAndChecked() {
        peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(peer.frames()).containsExactly("PING ACK");
        peer.frame(6, 0, 0, 1, 2, 3);
        dies(0, FRAME_SIZE_ERROR);
    }

    @Test
    void s6_7_pingOnAStream() {
        peer.frame(6, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_8_goAwayOnAStream() {
        peer.frame(7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_8_aClientThatLeavesIsLetGoOnceItsStreamsEnded() {
        peer.connect(1);
        peer.frame(7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'b', 'y', 'e');
        assertThat(peer.isOpen()).isTrue();
        peer.data(1, 0, true);
        assertThat(peer.isOpen()).isFalse();
    }

    @Test
    void s6_9_windowUpdateOfZero() {
        peer.connect(1).frames();
        peer.frame(8, 0, 1, 0, 0, 0, 0);
        assertThat(peer.frames()).containsExactly("RST 1 " + PROTOCOL_ERROR);
        peer.frame(8, 0, 0, 0, 0, 0, 0);
        dies(1, PROTOCOL_ERROR);
    }

    @Test
    void s6_9_windowUpdateOfTheWrongSize() {
        peer.frame(8, 0, 0, 0, 0, 0);
        dies(0, FRAME_SIZE_ERROR);
    }

    @Test
    void s6_9_1_aStreamWindowThatOverflows() {
        peer.connect(1).frames();
        peer.frame(8, 0, 1, 0x7f, 0xff, 0xff, 0xff);
        assertThat(peer.frames()).containsExactly("RST 1 " + FLOW_CONTROL_ERROR);
    }

    @Test
    void s6_9_1_aConnectionWindowThatOverflows() {
        peer.frame(8, 0, 0, 0x7f, 0xff, 0xff, 0xff);
        dies(0, FLOW_CONTROL_ERROR);
    }

    @Test
    void s6_9_1_dataBeyondTheStreamWindow() {
        peer.close();
        peer = RawPeer.ofServer(TunnelSettings.builder().streamWindow(65_535).build(), echo);
        peer.connect(1);
        Recorder recorder = Recorder.on(echo.streams.getFirst());
        recorder.consumes = false;
        peer.data(1, 65_535, false);
        peer.frames();
        peer.data(1, 1, false);
        assertThat(peer.frames()).contains("RST 1 " + FLOW_CONTROL_ERROR);
        assertThat(recorder.failure).isEqualTo(new StreamFailure.Reset(FLOW_CONTROL_ERROR, false));
    }

    @Test
    void s6_9_1_dataBeyondTheConnectionWindow() {
        peer.close();
        peer =
                RawPeer.ofServer(
                        TunnelSettings.builder()
                                .streamWindow(70_000)
                                .connectionWindow(65_535)
                                .receiveBudget(0)
                                .build(),
                        echo);
        peer.connect(1);
        Recorder.on(echo.streams.getFirst()).consumes = false;
        peer.data(1, 65_535, false);
        peer.data(1, 1, false);
        dies(1, FLOW_CONTROL_ERROR);
    }

    @Test
    void s6_9_2_aSmallerInitialWindowMayMakeWindowsNegative() {
        peer.connect(1);
        TunnelStream stream = echo.streams.getFirst();
        stream.write(Unpooled.wrappedBuffer(new byte[1000]));
        stream.flush();
        peer.frames();
        // 64535 left becomes -990.
        peer.send(out -> FrameWriter.settings(out, 4, 10));
        stream.write(Unpooled.wrappedBuffer(new byte[100]));
        stream.flush();
        peer.frames();
        peer.frame(8, 0, 1, 0, 0, 3, 0xde);
        assertThat(peer.frames()).isEmpty();
        peer.frame(8, 0, 1, 0, 0, 0, 7);
        assertThat(peer.frames()).containsExactly("DATA 1 7");
        peer.send(out -> FrameWriter.settings(out, 4, 103));
        assertThat(peer.frames()).containsExactlyInAnyOrder("SETTINGS ACK", "DATA 1 93");
    }

    @Test
    void s6_9_2_anInitialWindowThatOverflowsAStream() {
        peer.connect(1).frame(8, 0, 1, 0x7f, 0xff, 0, 0);
        peer.send(out -> FrameWriter.settings(out, 4, Integer.MAX_VALUE));
        dies(1, FLOW_CONTROL_ERROR);
    }

    @Test
    void s6_10_continuationWithoutHeaders() {
        peer.frame(9, 4, 1, 0x82);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_10_anotherFrameInsideAHeaderBlock() {
        peer.frame(1, 0, 1, 0x82).frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        dies(0, PROTOCOL_ERROR);
    }

    @Test
    void s6_10_aBlockInPiecesIsOneBlock() {
        peer.send(
                out -> {
                    ByteBuf block = Unpooled.buffer();
                    for (String field : new String[] {":method", "CONNECT", ":authority", "a"}) {
                        if (field.charAt(0) == ':') {
                            block.writeByte(0);
                        }
                        block.writeByte(field.length());
                        block.writeCharSequence(field, StandardCharsets.US_ASCII);
                    }
                    FrameWriter.headers(out, 1, block, false, 3);
                    block.release();
                });
        assertThat(peer.frames()).containsExactly("HEADERS 1 200");
    }

    @Test
    void s8_1_aSecondHeaderBlockMustEndTheStream() {
        peer.connect(1).frames();
        peer.headers(1, new DefaultHttp2Headers(false).add("x", "y"), false);
        assertThat(peer.frames()).containsExactly("RST 1 " + PROTOCOL_ERROR);
    }

    @Test
    void s8_1_trailersEndTheStream() {
        peer.connect(1).frames();
        peer.headers(1, new DefaultHttp2Headers(false).add("x", "y"), true);
        assertThat(peer.frames()).containsExactly("DATA 1 0 END");
    }

    @Test
    void s8_2_upperCaseAndConnectionFieldsAreMalformed() {
        peer.headers(1, connectWith("Upper", "x"), false);
        peer.headers(3, connectWith("connection", "close"), false);
        peer.headers(5, connectWith("te", "gzip"), false);
        assertThat(peer.frames()).containsExactly("RST 1 1", "RST 3 1", "RST 5 1");
        assertThat(echo.requests).isEmpty();
    }

    @Test
    void s8_3_row0_pseudoHeadersThatDoNotBelong() {
        DefaultHttp2Headers protocol = connectWith(":protocol", "websocket");
        peer.headers(1, protocol, false);
        peer.headers(3, connectWith(":status", "200"), false);
        peer.headers(5, connectWith(":scheme", "https"), false);
        peer.headers(7, connectWith(":path", "/"), false);
        peer.headers(9, new DefaultHttp2Headers(false).method("GET").authority("a"), false);
        peer.headers(11, new DefaultHttp2Headers(false).method("CONNECT").authority("a b"), false);
        peer.headers(13, new DefaultHttp2Headers(false).authority("a:1"), false);
        assertThat(peer.frames()).hasSize(7).allMatch(line -> line.matches("RST \\d+ 1"));
        assertThat(echo.requests).isEmpty();
    }

    private static DefaultHttp2Headers connectWith(String name, String value) {
        DefaultHttp2Headers headers = new DefaultHttp2Headers(false);
        headers.method("CONNECT").authority("a:1").add(name, value);
        return headers;
    }

    @Test
    void row0b_aHeaderListTooLargeGets431AndTheTunnelGoesOn() {
        DefaultHttp2Headers large = connectWith("x", "y".repeat(65_000));
        large.add("z", "y".repeat(2_000));
        peer.headers(1, large, false);
        assertThat(peer.frames()).containsExactly("HEADERS 1 431 END", "RST 1 " + REFUSED_STREAM);
        peer.connect(3);
        assertThat(peer.frames()).containsExactly("HEADERS 3 200");
    }

    // Floods.

    @Test
    void s10_5_continuationFlood() {
        peer.frame(1, 0, 1, 0x82);
        for (int i = 0; i < 65; i++) {
            peer.frame(9, 0, 1);
        }
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_aHeaderBlockWithoutEnd() {
        for (int i = 0; i < 200 && peer.isOpen(); i++) {
            int first = i;
            peer.send(
                    out -> {
                        out.writeMedium(16_384).writeByte(first == 0 ? 1 : 9).writeByte(0);
                        out.writeInt(1).writeZero(16_384);
                    });
        }
        dies(0, ENHANCE_YOUR_CALM);
    }

    private void flood(Runnable frame) {
        for (int i = 0; i < 100_000 && peer.isOpen(); i++) {
            frame.run();
        }
    }

    @Test
    void s10_5_pingFlood() {
        flood(() -> peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_settingsFlood() {
        flood(() -> peer.frame(4, 0, 0));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_emptyDataFlood() {
        peer.connect(1);
        flood(() -> peer.data(1, 0, false));
        dies(1, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_priorityFlood() {
        flood(() -> peer.frame(2, 0, 1, 0, 0, 0, 0, 1));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_windowUpdateFlood() {
        flood(() -> peer.frame(8, 0, 0, 0, 0, 0, 1));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_rapidReset() {
        int[] abandoned = new int[1];
        peer.close();
        peer =
                RawPeer.ofServer(
                        TunnelSettings.defaults(),
                        new Echo() {
                            @Override
                            public void onConnect(IncomingConnect connect) {
                                connect.onAbandoned(() -> abandoned[0]++);
                            }

                            @Override
                            public void onTunnelClosed(Throwable why) {
                                echo.onTunnelClosed(why);
                            }
                        });
        int[] id = {-1};
        flood(() -> peer.connect(id[0] += 2).frame(3, 0, id[0], 0, 0, 0, 8));
        assertThat(peer.frames()).contains("GOAWAY " + id[0] + " " + ENHANCE_YOUR_CALM);
        assertThat(abandoned[0]).isEqualTo(401);
        assertThat(echo.closed).isTrue();
    }

    @Test
    void s10_5_refusedStreamsFlood() {
        for (int i = 0; i < 200; i++) {
            peer.connect(2 * i + 1);
        }
        int[] id = {399};
        flood(() -> peer.connect(id[0] += 2));
        assertThat(peer.frames()).contains("GOAWAY " + id[0] + " " + ENHANCE_YOUR_CALM);
    }
}
