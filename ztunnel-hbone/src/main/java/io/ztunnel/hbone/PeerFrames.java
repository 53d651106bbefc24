package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;
import io.ztunnel.hbone.h2.FrameSink;
import io.ztunnel.hbone.h2.HeaderBlocks;
import io.ztunnel.hbone.h2.StreamTable;

import org.jspecify.annotations.Nullable;

/// What the peer's frames mean for the streams of a tunnel, and which ones it may not send now (RFC
/// 9113 sections 5.1 and 6). What the roles see differently they answer themselves.
final class PeerFrames implements FrameSink {
    private final TunnelConnection tunnel;
    private final boolean server;
    private final StreamTable<Stream> streams;
    private final ReceiveCredit credit;
    private final PeerSettings peer;

    /// Whose DATA frame is being read; null when nobody wants its payload.
    private @Nullable Stream current;

    PeerFrames(TunnelConnection tunnel, boolean server) {
        this.tunnel = tunnel;
        this.server = server;
        this.streams = tunnel.streams;
        this.credit = tunnel.credit;
        this.peer = tunnel.peer;
    }

    @Override
    public void onDataStart(int streamId, int length, boolean endStream) throws ConnectionError {
        if (!credit.accepts(length)) {
            throw new ConnectionError(
                    ErrorCode.FLOW_CONTROL_ERROR, "DATA exceeds the connection's window");
        }
        credit.took(length);
        current = null;
        Stream stream = streams.get(streamId);
        if (stream == null) {
            if (tunnel.isIdle(streamId)) {
                throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream");
            }
            if (!tunnel.recentResets.contains(streamId)) {
                tunnel.streamError(streamId, ErrorCode.STREAM_CLOSED);
            }
            return;
        }
        if (stream.inputEnded()) {
            tunnel.streamError(streamId, ErrorCode.STREAM_CLOSED);
        } else if (!server && stream.unanswered != null) {
            tunnel.streamError(streamId, ErrorCode.PROTOCOL_ERROR);
        } else if (!stream.accepts(length)) {
            tunnel.streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR);
        } else {
            if (length == 0 && !endStream) {
                tunnel.charge();
            }
            stream.took(length);
            current = stream;
        }
    }

    @Override
    public void onDataChunk(ByteBuf chunk) {
        Stream stream = current;
        if (stream == null || stream.closed()) {
            credit.discarded(chunk.readableBytes());
            chunk.release();
            return;
        }
        stream.data(chunk);
    }

    @Override
    public void onDataPadding(int bytes) {
        credit.discarded(bytes);
        Stream stream = current;
        if (stream != null && !stream.closed()) {
            stream.restore(bytes);
        }
    }

    @Override
    public void onDataEnd(boolean endStream) {
        Stream stream = current;
        current = null;
        if (endStream && stream != null && !stream.closed()) {
            stream.endInput();
        }
    }

    @Override
    public void onHeaders(int streamId, ByteBuf block, boolean endStream) throws ConnectionError {
        HeaderBlocks.Decoded decoded = tunnel.headerBlocks.decode(streamId, block);
        Stream stream = streams.get(streamId);
        if (stream == null) {
            tunnel.onStrangeHeaders(streamId, decoded, endStream);
        } else if (stream.inputEnded()) {
            tunnel.streamError(streamId, ErrorCode.STREAM_CLOSED);
        } else if (decoded instanceof HeaderBlocks.Decoded.Fields fields) {
            tunnel.onStreamHeaders(stream, fields.headers(), endStream);
        } else {
            tunnel.streamError(streamId, ErrorCode.PROTOCOL_ERROR);
        }
    }

    @Override
    public void onRstStream(int streamId, long code) throws ConnectionError {
        Stream stream = streams.get(streamId);
        if (stream != null) {
            tunnel.onPeerReset(stream);
            stream.fail(new StreamFailure.Reset(code, true));
        } else if (tunnel.isIdle(streamId)) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
        } else {
            tunnel.charge();
        }
    }

    @Override
    public void onSetting(int id, long value) throws ConnectionError {
        peer.set(id, value);
    }

    @Override
    public void onSettingsEnd() throws ConnectionError {
        tunnel.charge();
        tunnel.frames.settingsAck();
        tunnel.onPeerSettings();
    }

    @Override
    public void onSettingsAck() throws ConnectionError {
        tunnel.charge();
    }

    @Override
    public void onPing(boolean ack, long opaque) throws ConnectionError {
        tunnel.charge();
        if (ack) {
            tunnel.onPingAck(opaque);
        } else {
            tunnel.frames.ping(true, opaque);
        }
    }

    @Override
    public void onGoAway(int lastStreamId, long code) throws ConnectionError {
        tunnel.charge();
        tunnel.onPeerGoAway(lastStreamId, code);
    }

    @Override
    public void onWindowUpdate(int streamId, int increment) throws ConnectionError {
        tunnel.chargeWindowUpdate();
        if (streamId == 0) {
            if (increment == 0) {
                throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
            }
            if (!tunnel.outbox.grow(increment)) {
                throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "window overflow");
            }
            return;
        }
        Stream stream = streams.get(streamId);
        if (stream == null) {
            if (tunnel.isIdle(streamId)) {
                throw new ConnectionError(
                        ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
            }
        } else if (increment == 0) {
            tunnel.streamError(streamId, ErrorCode.PROTOCOL_ERROR);
        } else if ((long) stream.sendWindow + increment > Integer.MAX_VALUE) {
            tunnel.streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR);
        } else {
            stream.sendWindow += increment;
            tunnel.outbox.activate(stream);
        }
    }

    @Override
    public void onIgnored() throws ConnectionError {
        tunnel.charge();
    }
}
