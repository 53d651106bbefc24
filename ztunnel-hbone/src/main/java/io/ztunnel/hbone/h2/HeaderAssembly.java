package io.ztunnel.hbone.h2;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.jspecify.annotations.Nullable;

/// Makes one header block of a HEADERS frame and the CONTINUATION frames behind it, within bounds
/// (RFC 9113 sections 6.2 and 6.10). A block in one frame is not copied.
final class HeaderAssembly {
    private final FrameSink sink;
    private final FrameReader.Limits limits;
    private final ByteBufAllocator allocator;

    /// What there is of a block that is not complete.
    private @Nullable ByteBuf block;

    private int stream;
    private boolean endsStream;
    private int continuations;

    HeaderAssembly(FrameSink sink, FrameReader.Limits limits, ByteBufAllocator allocator) {
        this.sink = sink;
        this.limits = limits;
        this.allocator = allocator;
    }

    /// Nothing may stand between the frames of a block.
    void allows(int type, int streamId) throws ConnectionError {
        if (block != null && (type != FrameType.CONTINUATION || streamId != stream)) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "header block interrupted");
        }
    }

    void fits(int size) throws ConnectionError {
        if (size > limits.headerBlock()) {
            throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "header block too large");
        }
    }

    /// A CONTINUATION frame of a length begins.
    void goesOn(int length) throws ConnectionError {
        fits(begun().readableBytes() + length);
        if (++continuations > limits.continuations()) {
            throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many CONTINUATION frames");
        }
    }

    private ByteBuf begun() throws ConnectionError {
        ByteBuf begun = block;
        if (begun == null) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without HEADERS");
        }
        return begun;
    }

    /// @param payload borrowed for the call
    void headers(int streamId, int flags, ByteBuf payload) throws ConnectionError {
        strip(flags, payload);
        boolean endStream = (flags & FrameType.END_STREAM) != 0;
        if ((flags & FrameType.END_HEADERS) != 0) {
            sink.onHeaders(streamId, payload, endStream);
            return;
        }
        stream = streamId;
        endsStream = endStream;
        continuations = 0;
        block = allocator.buffer(Math.max(256, payload.readableBytes())).writeBytes(payload);
    }

    /// Takes padding and priority away.
    private static void strip(int flags, ByteBuf payload) throws ConnectionError {
        int pad = 0;
        if ((flags & FrameType.PADDED) != 0) {
            if (!payload.isReadable()) {
                throw new ConnectionError(
                        ErrorCode.FRAME_SIZE_ERROR, "padded HEADERS without pad length");
            }
            pad = payload.readUnsignedByte();
        }
        if ((flags & FrameType.PRIORITY_FLAG) != 0) {
            if (payload.readableBytes() < 5) {
                throw new ConnectionError(
                        ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short for its priority");
            }
            payload.skipBytes(5);
        }
        if (pad > payload.readableBytes()) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "padding exceeds the frame");
        }
        payload.writerIndex(payload.writerIndex() - pad);
    }

    /// @param payload borrowed for the call
    void continuation(int flags, ByteBuf payload) throws ConnectionError {
        ByteBuf whole = begun();
        whole.writeBytes(payload);
        if ((flags & FrameType.END_HEADERS) == 0) {
            return;
        }
        block = null;
        try {
            sink.onHeaders(stream, whole, endsStream);
        } finally {
            whole.release();
        }
    }

    void close() {
        if (block != null) {
            block.release();
            block = null;
        }
    }
}
