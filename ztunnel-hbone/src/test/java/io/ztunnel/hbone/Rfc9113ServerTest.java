package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/// What RFC 9113 says about errors beside those of single frames, sections in the names.
class Rfc9113ServerTest extends ServerTunnel {
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
}
