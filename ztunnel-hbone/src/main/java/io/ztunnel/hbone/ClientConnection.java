package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.HeaderBlocks;
import io.ztunnel.hbone.h2.Setting;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/// The client's side of a tunnel: opens streams and waits for their answers.
final class ClientConnection extends TunnelConnection implements ClientTunnel {

    private static final Logger log = LoggerFactory.getLogger(ClientConnection.class);
    private static final Stream[] NO_STREAMS = {};
    private static final PendingAnswer[] NO_ANSWERS = {};

    /// How long a peer that has said GOAWAY may take for the answers it still owes.
    private static final long AFTER_GOAWAY = TimeUnit.SECONDS.toNanos(1);

    /// A pool that keeps the tunnel.
    interface Keeper {
        /// Streams, limit or usability changed.
        void onChange(ClientConnection tunnel);
    }

    private final @Nullable Keeper keeper;
    private final ArrayDeque<PendingAnswer> answers = new ArrayDeque<>(2);
    private int nextStream = 1;
    private long peerMaxStreams = Integer.MAX_VALUE;
    private boolean leaving;
    private int goAwayLast = Integer.MAX_VALUE;
    private @Nullable TunnelClosed peerGoAway;
    private long answersDue;
    private boolean unprocessed;
    private long unusedSince;

    /// @param keeper null for a tunnel outside any pool, which is not released when unused
    ClientConnection(TunnelSettings settings, ReceiveBudget.Share share, @Nullable Keeper keeper) {
        super(settings, share, false);
        this.keeper = keeper;
    }

    @Override
    void writePreface(ByteBuf out) {
        unusedSince = pulse.now();
        FrameWriter.preface(out);
        FrameWriter.settings(
                out,
                Setting.ENABLE_PUSH,
                0,
                Setting.INITIAL_WINDOW_SIZE,
                settings.streamWindow(),
                Setting.MAX_FRAME_SIZE,
                settings.maxFrameSize(),
                Setting.MAX_HEADER_LIST_SIZE,
                settings.clientHeaderList());
    }

    @Override
    public boolean isUsable() {
        // The last id is kept back, so that the next one never overflows.
        return !isClosed()
                && !leaving
                && peerGoAway == null
                && !liveness.isDoubtful()
                && nextStream < Integer.MAX_VALUE
                && context.channel().isActive();
    }

    /// Streams that a pool may have on this tunnel at once.
    int limit() {
        return (int) Math.min(settings.streamsPerTunnel(), peerMaxStreams);
    }

    /// Whether any stream was opened on it.
    boolean hasServed() {
        return nextStream > 1;
    }

    @Override
    public Opening open(ConnectRequest request, OpenListener listener) {
        assert context.executor().inEventLoop();
        if (!isUsable()) {
            listener.onFailure(
                    new OpenFailure.TunnelLost(TunnelClosed.us("tunnel is not usable"), true));
            return PendingAnswer.NOTHING;
        }
        if (streams.size() >= peerMaxStreams) {
            listener.onFailure(new OpenFailure.Reset(ErrorCode.REFUSED_STREAM, false));
            return PendingAnswer.NOTHING;
        }
        int id = nextStream;
        nextStream += 2;
        Stream stream = newStream(id);
        long now = pulse.now();
        long deadline = now + settings.answerTimeout().toNanos();
        PendingAnswer answer = new PendingAnswer(stream, listener, liveness.arrivals(), deadline);
        stream.unanswered = answer;
        while (!answers.isEmpty() && answers.peek().isDone()) {
            answers.poll();
        }
        answers.add(answer);
        pulse.by(answers.peek().deadline());
        frames.headers(id, headers(request), false);
        liveness.askIfSilent(now);
        send();
        return answer;
    }

    private static Http2Headers headers(ConnectRequest request) {
        Http2Headers headers =
                new DefaultHttp2Headers(false, 8).method("CONNECT").authority(request.authority());
        add(headers, "baggage", request.baggage());
        add(headers, "forwarded", request.forwarded());
        add(headers, "traceparent", request.traceparent());
        add(headers, "x-forwarded-network", request.forwardedNetwork());
        return headers;
    }

    private static void add(Http2Headers headers, String name, @Nullable String value) {
        if (value != null) {
            headers.add(name, value);
        }
    }

    @Override
    void onStreamHeaders(Stream stream, Http2Headers headers, boolean endStream)
            throws ConnectionError {
        if (!(stream.unanswered instanceof PendingAnswer answer)) {
            trailers(stream, endStream);
            return;
        }
        int status = status(headers);
        if (status < 100 || (status < 200 && endStream)) {
            streamError(stream.id(), ErrorCode.PROTOCOL_ERROR);
        } else if (status < 200) {
            charge();
        } else {
            answered(stream, answer, status, headers, endStream);
        }
    }

    private void answered(
            Stream stream,
            PendingAnswer answer,
            int status,
            Http2Headers headers,
            boolean endStream) {
        stream.unanswered = null;
        answer.done();
        if (endStream) {
            stream.endInput();
        }
        try {
            if (status == 200) {
                stream.responseBaggage(HeaderText.joined(headers, "baggage"));
                answer.listener().onOpen(stream);
            } else {
                stream.reset(ErrorCode.CANCEL);
                answer.listener().onFailure(new OpenFailure.Status(status));
            }
        } catch (RuntimeException failing) {
            log.warn("listener failed on an answer; its stream is reset", failing);
            stream.reset(ErrorCode.INTERNAL_ERROR);
        }
    }

    /// Three digits, or 0 for anything else.
    private static int status(Http2Headers headers) {
        CharSequence text = headers.status();
        if (text == null || text.length() != 3 || headers.method() != null) {
            return 0;
        }
        int code = 0;
        for (int i = 0; i < 3; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return 0;
            }
            code = code * 10 + digit;
        }
        return code;
    }

    @Override
    void onStrangeHeaders(int streamId, HeaderBlocks.Decoded decoded, boolean endStream)
            throws ConnectionError {
        if (isIdle(streamId)) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "HEADERS on an idle stream");
        }
        // An answer that crossed our giving up.
        charge();
    }

    @Override
    boolean isIdle(int streamId) {
        return (streamId & 1) == 0 || streamId >= nextStream;
    }

    @Override
    void unansweredFailed(Object waiting, StreamFailure why) {
        PendingAnswer answer = (PendingAnswer) waiting;
        answer.done();
        try {
            answer.listener().onFailure(openFailure(answer, why));
        } catch (RuntimeException failing) {
            log.warn("listener failed on the failure of an opening", failing);
        }
    }

    private OpenFailure openFailure(PendingAnswer answer, StreamFailure why) {
        return switch (why) {
            case StreamFailure.Reset reset -> new OpenFailure.Reset(reset.code(), reset.byPeer());
            case StreamFailure.TunnelLost lost -> {
                // Without a word from the peer since, nobody has seen a byte of the connection.
                boolean unheard =
                        !isByUs(lost.cause()) && answer.heardBefore() == liveness.arrivals();
                // A peer that breaks the protocol before its first SETTINGS does not speak it.
                if (!sawPreface()
                        && lost.cause() instanceof TunnelClosed end
                        && end.by() == TunnelClosed.By.VIOLATION) {
                    yield new OpenFailure.HandshakeFailed(end);
                }
                yield new OpenFailure.TunnelLost(
                        lost.cause(), unprocessed || unheard || peerGoAway != null);
            }
        };
    }

    /// Our own reasons, such as a revoked certificate, hold on any other tunnel too.
    private static boolean isByUs(@Nullable Throwable cause) {
        return cause instanceof TunnelClosed end && end.by() == TunnelClosed.By.US;
    }

    @Override
    void onDoubt(boolean begins) {
        if (begins) {
            TunnelClosed cause = TunnelClosed.silence("peer is silent");
            for (PendingAnswer answer : answers.toArray(NO_ANSWERS)) {
                if (!answer.isDone() && answer.heardBefore() == liveness.arrivals()) {
                    answer.fail(new OpenFailure.TunnelLost(cause, true));
                }
            }
        }
        changed();
    }

    @Override
    void onPeerGoAway(int lastStreamId, long code) throws ConnectionError {
        if (lastStreamId > goAwayLast) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "GOAWAY with a higher last stream");
        }
        goAwayLast = lastStreamId;
        if (peerGoAway == null) {
            answersDue = pulse.now() + AFTER_GOAWAY;
            pulse.by(answersDue);
        }
        TunnelClosed cause = TunnelClosed.goAway(code);
        peerGoAway = cause;
        StreamFailure lost = new StreamFailure.TunnelLost(cause);
        unprocessed = true;
        for (Stream stream : streams.toArray(NO_STREAMS)) {
            if (stream.id() > lastStreamId) {
                recentResets.add(stream.id());
                stream.fail(lost);
            }
        }
        unprocessed = false;
        changed();
        leaveIfDone();
    }

    @Override
    @Nullable Throwable impliedCause() {
        return peerGoAway;
    }

    @Override
    public void drain() {
        assert context.executor().inEventLoop();
        if (isClosed() || leaving) {
            return;
        }
        leaving = true;
        frames.goAway(0, ErrorCode.NO_ERROR);
        send();
        changed();
        leaveIfDone();
    }

    private void leaveIfDone() {
        if (streams.size() == 0 && (leaving || peerGoAway != null)) {
            terminate(null, leaving ? -1 : ErrorCode.NO_ERROR);
        }
    }

    @Override
    void onStreamClosed(Stream stream) {
        if (streams.size() == 0) {
            unusedSince = pulse.now();
            if (keeper != null) {
                pulse.by(unusedSince + settings.unusedRelease().toNanos());
            }
        }
        changed();
        leaveIfDone();
    }

    private void changed() {
        if (keeper != null) {
            keeper.onChange(this);
        }
    }

    @Override
    void onPeerMaxStreams(long most) {
        peerMaxStreams = Math.min(most, Integer.MAX_VALUE);
    }

    @Override
    void onPeerSettings() {
        changed();
    }

    @Override
    void onPingAck(long opaque) {}

    @Override
    int lastPeerStream() {
        return 0;
    }

    @Override
    long beatOfRole(long now) {
        long next = Pulse.NEVER;
        if (peerGoAway != null && now - answersDue >= 0) {
            leaveBehind(peerGoAway);
        } else if (peerGoAway != null) {
            next = answersDue;
        }
        for (PendingAnswer answer = answers.peek(); answer != null; answer = answers.peek()) {
            if (!answer.isDone() && now - answer.deadline() < 0) {
                next = Math.min(next, answer.deadline());
                break;
            }
            answers.poll();
            if (!answer.isDone()) {
                answer.timeOut();
            }
        }
        if (keeper != null && streams.size() == 0 && !isClosed()) {
            long release = unusedSince + settings.unusedRelease().toNanos();
            if (now - release >= 0) {
                terminate(TunnelClosed.us("unused"), ErrorCode.NO_ERROR);
                return Pulse.NEVER;
            }
            next = Math.min(next, release);
        }
        return next;
    }

    /// Some peers count requests that race their GOAWAY as seen and never answer them. We have sent
    /// none of their bytes yet, so they may be given up and tried elsewhere.
    private void leaveBehind(TunnelClosed goAway) {
        for (PendingAnswer answer = answers.poll(); answer != null; answer = answers.poll()) {
            if (!answer.isDone()) {
                answer.cancel();
                answer.listener().onFailure(new OpenFailure.TunnelLost(goAway, true));
            }
        }
    }

    @Override
    void onTerminated(@Nullable Throwable cause) {
        changed();
    }
}
