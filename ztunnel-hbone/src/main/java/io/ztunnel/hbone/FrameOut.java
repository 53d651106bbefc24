package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http2.Http2Headers;
import io.ztunnel.hbone.h2.FrameWriter;

/// Writes what a tunnel says beside the payload of streams, which is [Outbox]'s. Nothing is
/// flushed.
final class FrameOut {
    private final TunnelConnection tunnel;
    private final ByteBufAllocator alloc;

    FrameOut(TunnelConnection tunnel) {
        this.tunnel = tunnel;
        this.alloc = tunnel.context.alloc();
    }

    void headers(int streamId, Http2Headers headers, boolean endStream) {
        ByteBuf block = alloc.ioBuffer(256);
        ByteBuf out = alloc.ioBuffer(256);
        try {
            tunnel.headerBlocks.encode(streamId, headers, block);
            FrameWriter.headers(out, streamId, block, endStream, tunnel.peer.maxFrame());
        } finally {
            block.release();
        }
        tunnel.write(out);
    }

    /// END_STREAM alone. Not bound by windows (RFC 9113 section 6.9.1).
    void end(int streamId) {
        ByteBuf out = alloc.ioBuffer(16);
        FrameWriter.dataHeader(out, streamId, 0, true);
        tunnel.write(out);
    }

    void reset(int streamId, long code) {
        tunnel.recentResets.add(streamId);
        ByteBuf out = alloc.ioBuffer(16);
        FrameWriter.rstStream(out, streamId, code);
        tunnel.write(out);
    }

    void windowUpdate(int streamId, int increment) {
        ByteBuf out = alloc.ioBuffer(16);
        FrameWriter.windowUpdate(out, streamId, increment);
        tunnel.write(out);
    }

    void ping(boolean ack, long opaque) {
        ByteBuf out = alloc.ioBuffer(32);
        FrameWriter.ping(out, ack, opaque);
        tunnel.write(out);
    }

    void goAway(int lastStreamId, long code) {
        ByteBuf out = alloc.ioBuffer(32);
        FrameWriter.goAway(out, lastStreamId, code);
        tunnel.write(out);
    }

    void settingsAck() {
        ByteBuf out = alloc.ioBuffer(16);
        FrameWriter.settingsAck(out);
        tunnel.write(out);
    }
}
