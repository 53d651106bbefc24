package io.ztunnel.hbone.h2;

import io.netty.buffer.ByteBuf;

import java.nio.charset.StandardCharsets;

/// Writes frames into buffers (RFC 9113 sections 4.1 and 6). Stateless.
public final class FrameWriter {

    /// Bytes of a frame header.
    public static final int HEADER_BYTES = 9;

    private static final byte[] PREFACE =
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private FrameWriter() {}

    public static void preface(ByteBuf out) {
        out.writeBytes(PREFACE);
    }

    /// @param pairs identifier, value, identifier, value, …
    public static void settings(ByteBuf out, int... pairs) {
        header(out, pairs.length * 3, FrameType.SETTINGS, 0, 0);
        for (int i = 0; i < pairs.length; i += 2) {
            out.writeShort(pairs[i]).writeInt(pairs[i + 1]);
        }
    }

    public static void settingsAck(ByteBuf out) {
        header(out, 0, FrameType.SETTINGS, FrameType.ACK, 0);
    }

    public static void ping(ByteBuf out, boolean ack, long opaque) {
        header(out, 8, FrameType.PING, ack ? FrameType.ACK : 0, 0);
        out.writeLong(opaque);
    }

    public static void goAway(ByteBuf out, int lastStreamId, long code) {
        header(out, 8, FrameType.GOAWAY, 0, 0);
        out.writeInt(lastStreamId).writeInt((int) code);
    }

    public static void rstStream(ByteBuf out, int streamId, long code) {
        header(out, 4, FrameType.RST_STREAM, 0, streamId);
        out.writeInt((int) code);
    }

    public static void windowUpdate(ByteBuf out, int streamId, int increment) {
        header(out, 4, FrameType.WINDOW_UPDATE, 0, streamId);
        out.writeInt(increment);
    }

    public static void dataHeader(ByteBuf out, int streamId, int length, boolean endStream) {
        header(out, length, FrameType.DATA, endStream ? FrameType.END_STREAM : 0, streamId);
    }

    /// Writes the header of a DATA frame at `index`, leaving the buffer's indexes alone.
    public static void setDataHeader(
            ByteBuf out, int index, int streamId, int length, boolean endStream) {
        out.setMedium(index, length);
        out.setByte(index + 3, FrameType.DATA);
        out.setByte(index + 4, endStream ? FrameType.END_STREAM : 0);
        out.setInt(index + 5, streamId);
    }

    /// A header block as HEADERS and as many CONTINUATION frames as the peer's frame size asks
    /// for.
    public static void headers(
            ByteBuf out, int streamId, ByteBuf block, boolean endStream, int maxFrame) {
        int flags = endStream ? FrameType.END_STREAM : 0;
        int type = FrameType.HEADERS;
        while (block.readableBytes() > maxFrame) {
            header(out, maxFrame, type, flags, streamId);
            out.writeBytes(block, maxFrame);
            type = FrameType.CONTINUATION;
            flags = 0;
        }
        header(out, block.readableBytes(), type, flags | FrameType.END_HEADERS, streamId);
        out.writeBytes(block);
    }

    private static void header(ByteBuf out, int length, int type, int flags, int streamId) {
        out.writeMedium(length).writeByte(type).writeByte(flags).writeInt(streamId);
    }
}
