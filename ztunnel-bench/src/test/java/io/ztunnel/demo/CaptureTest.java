package io.ztunnel.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

class CaptureTest {
    private static final byte[] HELLO = {0x16, 3, 1, 0, 1, 9};

    @Test
    void segmentsWithDataAreReadWithTheirEndpoints() {
        List<Packet> packets = Capture.read(file(frame(HELLO, 0), frame("GET /\r\n", 0)));

        assertThat(packets).hasSize(2);
        assertThat(packets.get(0).source()).isEqualTo("10.0.2.2:40000");
        assertThat(packets.get(0).destination()).isEqualTo("10.0.3.4:15008");
        assertThat(packets.get(0).length()).isEqualTo(HELLO.length);
        assertThat(packets.get(0).tlsRecord()).contains("TLS handshake");
        assertThat(packets.get(0).usesPort(15008)).isTrue();
        assertThat(packets.get(0).usesPort(5008)).isFalse();
        assertThat(packets.get(1).text()).isEqualTo("GET /\n");
        assertThat(packets.get(1).tlsRecord()).isEmpty();
    }

    @Test
    void emptySegmentsAndPaddingAreNoData() {
        assertThat(Capture.read(file(frame(new byte[0], 0), frame(new byte[0], 6)))).isEmpty();
        assertThat(Capture.read(file(frame(HELLO, 6))).get(0).length()).isEqualTo(HELLO.length);
    }

    @Test
    void aFrameThatIsStillBeingWrittenIsLeftOut() {
        byte[] whole = file(frame(HELLO, 0));
        for (int length = 24; length < whole.length; length++) {
            assertThat(Capture.read(Arrays.copyOf(whole, length))).isEmpty();
        }
        assertThat(Capture.read(whole)).hasSize(1);
    }

    private static byte[] frame(String text, int padding) {
        return frame(text.getBytes(StandardCharsets.US_ASCII), padding);
    }

    private static byte[] frame(byte[] payload, int padding) {
        ByteBuffer frame = ByteBuffer.allocate(14 + 20 + 20 + payload.length + padding);
        frame.position(12).putShort((short) 0x0800);
        frame.put((byte) 0x45).put((byte) 0).putShort((short) (40 + payload.length));
        frame.position(14 + 9).put((byte) 6).putShort((short) 0);
        frame.put(new byte[] {10, 0, 2, 2}).put(new byte[] {10, 0, 3, 4});
        frame.putShort((short) 40000).putShort((short) 15008);
        frame.position(14 + 20 + 12).put((byte) 0x50);
        frame.position(14 + 40).put(payload);
        return frame.array();
    }

    private static byte[] file(byte[]... frames) {
        int size = Arrays.stream(frames).mapToInt(frame -> frame.length + 16).sum();
        ByteBuffer file = ByteBuffer.allocate(24 + size).order(ByteOrder.nativeOrder());
        file.position(24);
        for (byte[] frame : frames) {
            file.putInt(0).putInt(0).putInt(frame.length).putInt(frame.length).put(frame);
        }
        return file.array();
    }
}
