package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.ztunnel.hbone.h2.Allowance;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.HeaderBlocks;
import io.ztunnel.hbone.h2.Setting;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;

/// The server's side of a tunnel: accepts streams, checks requests, drains.
final class ServerConnection extends TunnelConnection {

    private static final Logger log = LoggerFactory.getLogger(ServerConnection.class);

    private static final long DRAIN_PING = 0x647261696e696e67L;

    /// How long a peer that has just arrived may take to say what it came for. A GOAWAY before its
    /// first request would fail it with a peer that does not try again.
    private static final long FIRST_REQUEST = TimeUnit.SECONDS.toNanos(1);

    /// How long requests are still served after the peer has answered the PING behind our GOAWAY.
    /// The answer may overtake requests that its library had taken before it read the GOAWAY.
    private static final long STRAGGLERS = TimeUnit.MILLISECONDS.toNanos(200);

    private enum Draining {
        NO,
        AWAITING_FIRST,
        ANNOUNCED,
        HEARD,
        FINAL
    }

    private final ConnectHandler handler;
    private @Nullable Allowance resets;
    private Draining draining = Draining.NO;
    private long drainDeadline;
    private boolean peerLeaves;

    /// Highest id the peer has used.
    private int lastStream;

    /// Highest id that will be answered, once draining is final.
    private int lastServed = Integer.MAX_VALUE;

    ServerConnection(TunnelSettings settings, ReceiveBudget.Share share, ConnectHandler handler) {
        super(settings, share, true);
        this.handler = handler;
    }

    @Override
    void writePreface(ByteBuf out) {
        FrameWriter.settings(
                out,
                Setting.MAX_CONCURRENT_STREAMS,
                settings.maxConcurrentStreams(),
                Setting.INITIAL_WINDOW_SIZE,
                settings.streamWindow(),
                Setting.MAX_FRAME_SIZE,
                settings.maxFrameSize(),
                Setting.MAX_HEADER_LIST_SIZE,
                settings.serverHeaderList());
    }

    @Override
    public boolean isUsable() {
        return !isClosed() && draining == Draining.NO && !peerLeaves;
    }

    @Override
    public void drain() {
        assert context.executor().inEventLoop();
        if (isClosed() || draining != Draining.NO) {
            return;
        }
        if (lastStream == 0) {
            draining = Draining.AWAITING_FIRST;
            drainDeadline = pulse.now() + FIRST_REQUEST;
            pulse.by(drainDeadline);
            return;
        }
        announceDrain();
    }

    private void announceDrain() {
        draining = Draining.ANNOUNCED;
        frames.goAway(Integer.MAX_VALUE, ErrorCode.NO_ERROR);
        frames.ping(false, DRAIN_PING);
        drainDeadline = pulse.now() + settings.pingTimeout().toNanos();
        pulse.by(drainDeadline);
        send();
    }

    @Override
    void onPingAck(long opaque) {
        if (opaque == DRAIN_PING && draining == Draining.ANNOUNCED) {
            draining = Draining.HEARD;
            drainDeadline = pulse.now() + STRAGGLERS;
            pulse.by(drainDeadline);
        }
    }

    /// The peer has seen the first GOAWAY, or had the time to.
    private void finishDraining() {
        draining = Draining.FINAL;
        lastServed = lastStream;
        frames.goAway(lastServed, ErrorCode.NO_ERROR);
        send();
        leaveIfDone();
    }

    private void leaveIfDone() {
        if (streams.size() == 0 && (draining == Draining.FINAL || peerLeaves)) {
            terminate(null, draining == Draining.FINAL ? -1 : ErrorCode.NO_ERROR);
        }
    }

    @Override
    long beatOfRole(long now) {
        if (isDrainTimed() && now - drainDeadline >= 0) {
            if (draining == Draining.AWAITING_FIRST) {
                announceDrain();
            } else {
                finishDraining();
            }
        }
        return isDrainTimed() ? drainDeadline : Pulse.NEVER;
    }

    private boolean isDrainTimed() {
        return draining != Draining.NO && draining != Draining.FINAL;
    }

    @Override
    void onStrangeHeaders(int streamId, HeaderBlocks.Decoded decoded, boolean endStream)
            throws ConnectionError {
        if ((streamId & 1) == 0) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "even stream from a client");
        }
        if (streamId <= lastStream) {
            if (recentResets.contains(streamId)) {
                return;
            }
            throw new ConnectionError(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
        }
        lastStream = streamId;
        if (streamId > lastServed || streams.size() >= settings.maxConcurrentStreams()) {
            charge();
            frames.reset(streamId, ErrorCode.REFUSED_STREAM);
            return;
        }
        switch (decoded) {
            case HeaderBlocks.Decoded.TooLarge large -> {
                charge();
                frames.headers(streamId, status(431), true);
                frames.reset(streamId, ErrorCode.REFUSED_STREAM);
            }
            case HeaderBlocks.Decoded.Malformed malformed ->
                    streamError(streamId, ErrorCode.PROTOCOL_ERROR);
            case HeaderBlocks.Decoded.Fields fields -> {
                if (RequestRules.areMet(fields.headers())) {
                    request(newStream(streamId), fields.headers(), endStream);
                } else {
                    streamError(streamId, ErrorCode.PROTOCOL_ERROR);
                }
            }
        }
        if (draining == Draining.AWAITING_FIRST) {
            announceDrain();
        }
    }

    private void request(Stream stream, Http2Headers headers, boolean endStream) {
        IncomingRequest request = new IncomingRequest(this, stream, headers);
        stream.unanswered = request;
        if (endStream) {
            stream.endInput();
        }
        try {
            handler.onConnect(request);
        } catch (RuntimeException failing) {
            log.warn("handler failed on a request; its stream is reset", failing);
            stream.unanswered = null;
            stream.reset(ErrorCode.INTERNAL_ERROR);
        }
    }

    @Override
    void onStreamHeaders(Stream stream, Http2Headers headers, boolean endStream)
            throws ConnectionError {
        trailers(stream, endStream);
    }

    void answer(Stream stream, @Nullable String baggage) {
        Http2Headers headers = status(200);
        if (baggage != null) {
            headers.add("baggage", baggage);
        }
        frames.headers(stream.id(), headers, false);
        send();
    }

    void refuse(Stream stream, int status) {
        frames.headers(stream.id(), status(status), true);
        stream.refused();
        send();
    }

    private static Http2Headers status(int code) {
        return new DefaultHttp2Headers(false).status(Integer.toString(code));
    }

    @Override
    void onPeerReset(Stream stream) throws ConnectionError {
        if (stream.unanswered == null) {
            return;
        }
        long now = pulse.now();
        Allowance allowance = resets;
        if (allowance == null) {
            allowance = new Allowance(settings.resetBurst(), 50, now);
            resets = allowance;
        }
        if (!allowance.take(now)) {
            throw new ConnectionError(
                    ErrorCode.ENHANCE_YOUR_CALM, "too many streams reset before their answer");
        }
    }

    @Override
    void unansweredFailed(Object waiting, StreamFailure why) {
        ((IncomingRequest) waiting).abandoned();
    }

    @Override
    boolean isIdle(int streamId) {
        return (streamId & 1) == 0 || streamId > lastStream;
    }

    @Override
    int lastPeerStream() {
        return Math.min(lastStream, lastServed);
    }

    @Override
    void onPeerGoAway(int lastStreamId, long code) {
        peerLeaves = true;
        leaveIfDone();
    }

    @Override
    void onStreamClosed(Stream stream) {
        leaveIfDone();
    }

    @Override
    void onPeerSettings() {}

    @Override
    void onTerminated(@Nullable Throwable cause) {
        try {
            handler.onTunnelClosed(cause);
        } catch (RuntimeException failing) {
            log.warn("handler failed on the end of its tunnel", failing);
        }
    }
}
