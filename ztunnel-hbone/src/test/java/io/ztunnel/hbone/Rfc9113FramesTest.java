package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ztunnel.hbone.h2.FrameWriter;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

/// What RFC 9113 says in its section 6 about each type of frame, sections in the names.
class Rfc9113FramesTest extends ServerTunnel {
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
}
