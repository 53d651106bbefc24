package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.ReferenceCountUtil;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;
import io.ztunnel.hbone.h2.FrameReader;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.HeaderBlocks;
import io.ztunnel.hbone.h2.StreamTable;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;

/// What both roles of a tunnel share: the state of an HTTP/2 connection (RFC 9113 sections 5 and
/// 6).
abstract class TunnelConnection extends ChannelInboundHandlerAdapter
        implements Tunnel, Pulse.Heart {

    private static final Logger log = LoggerFactory.getLogger(TunnelConnection.class);
    private static final Stream[] NO_STREAMS = {};

    final TunnelSettings settings;
    final StreamTable<Stream> streams = new StreamTable<>();
    final RecentResets recentResets = new RecentResets();
    final ReceiveCredit credit;
    final HeaderBlocks headerBlocks;

    // Set in handlerAdded, before anything can happen.
    @SuppressWarnings("NullAway.Init")
    ChannelHandlerContext context;

    @SuppressWarnings("NullAway.Init")
    Outbox outbox;

    @SuppressWarnings("NullAway.Init")
    FrameOut frames;

    @SuppressWarnings("NullAway.Init")
    Pulse pulse;

    @SuppressWarnings("NullAway.Init")
    Liveness liveness;

    @SuppressWarnings("NullAway.Init")
    PeerSettings peer;

    @SuppressWarnings("NullAway.Init")
    private FrameReader reader;

    @SuppressWarnings("NullAway.Init")
    private Tolerance tolerance;

    @SuppressWarnings("NullAway.Init")
    private Pause pause;

    private final FrameReader.Limits limits;
    private final boolean server;

    private @Nullable Object attachment;
    private @Nullable Stream touched;
    private boolean reading;
    private boolean unflushed;
    private boolean closed;

    private long prefaceDeadline;

    TunnelConnection(TunnelSettings settings, ReceiveBudget.Share share, boolean server) {
        this.settings = settings;
        this.server = server;
        int headerList = server ? settings.serverHeaderList() : settings.clientHeaderList();
        this.headerBlocks = new HeaderBlocks(headerList);
        this.credit =
                new ReceiveCredit(settings.connectionWindow(), settings.receiveBudget(), share);
        // Twice the list is room for blocks that are to get a 431 instead of a broken connection.
        this.limits =
                new FrameReader.Limits(
                        settings.maxFrameSize(), 2 * headerList + 16_384, 64, 32 * 6);
    }

    // What the roles add.

    /// Writes what a peer must see first; nothing is flushed.
    abstract void writePreface(ByteBuf out);

    /// A header block of a stream that is not in the table.
    abstract void onStrangeHeaders(int streamId, HeaderBlocks.Decoded decoded, boolean endStream)
            throws ConnectionError;

    /// A header block of a stream that waits for an answer or is established.
    abstract void onStreamHeaders(Stream stream, Http2Headers headers, boolean endStream)
            throws ConnectionError;

    /// True for ids that nobody has used yet.
    abstract boolean isIdle(int streamId);

    /// A peer gives up a stream; a role may count it.
    void onPeerReset(Stream stream) throws ConnectionError {}

    abstract void onPeerGoAway(int lastStreamId, long code) throws ConnectionError;

    abstract void unansweredFailed(Object waiting, StreamFailure why);

    abstract void onStreamClosed(Stream stream) throws ConnectionError;

    abstract void onPeerSettings();

    abstract void onPingAck(long opaque);

    abstract void onTerminated(@Nullable Throwable cause);

    /// Deadlines of the role.
    abstract long beatOfRole(long now);

    abstract int lastPeerStream();

    /// The peer has been silent for too long after a PING to rely on it, or speaks again.
    void onDoubt(boolean begins) {}

    /// Why a tunnel ends that ends without a cause of its own.
    @Nullable Throwable impliedCause() {
        return null;
    }

    /// A number of SETTINGS_MAX_CONCURRENT_STREAMS arrived.
    void onPeerMaxStreams(long most) {}

    // Tunnel.

    @Override
    public final Channel channel() {
        return context.channel();
    }

    @Override
    public final int openStreams() {
        return streams.size();
    }

    @Override
    public final void attach(Object value) {
        attachment = value;
    }

    @Override
    public final <T> @Nullable T attachment(Class<T> type) {
        return type.cast(attachment);
    }

    @Override
    public final void close(@Nullable Throwable cause) {
        assert context.executor().inEventLoop();
        terminate(cause, ErrorCode.NO_ERROR);
    }

    final boolean isClosed() {
        return closed;
    }

    // Channel events.

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        outbox = new Outbox(ctx, settings.quantum());
        frames = new FrameOut(this);
        pulse = new Pulse(ctx.executor(), this);
        peer = new PeerSettings(this, server);
        reader = new FrameReader(new PeerFrames(this, server), limits, ctx.alloc(), server);
        ctx.channel()
                .config()
                .setWriteBufferWaterMark(
                        new WriteBufferWaterMark(
                                settings.lowWaterMark(), settings.highWaterMark()));
        long now = pulse.now();
        prefaceDeadline = now + settings.prefaceTimeout().toNanos();
        liveness = new Liveness(this, server, now);
        pause = new Pause(this, now);
        tolerance = new Tolerance(settings.controlBurst(), now);
        ByteBuf out = ctx.alloc().ioBuffer(128);
        writePreface(out);
        FrameWriter.windowUpdate(out, 0, credit.due());
        write(out);
        pulse.by(beat(now));
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (closed || !(message instanceof ByteBuf bytes)) {
            ReferenceCountUtil.release(message);
            return;
        }
        if (liveness.heard(pulse.now())) {
            onDoubt(false);
        }
        reading = true;
        try {
            reader.read(bytes);
        } catch (ConnectionError broken) {
            violated(broken);
        } catch (RuntimeException bug) {
            log.error("tunnel failed", bug);
            terminate(bug, ErrorCode.INTERNAL_ERROR);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        // Streams may send while they are told; it all goes out with the one flush below.
        for (Stream stream = touched; stream != null; ) {
            Stream next = stream.nextTouched;
            stream.nextTouched = null;
            touched = next;
            stream.burstEnded();
            stream = touched;
        }
        reading = false;
        if (!closed) {
            announce();
            send();
            if (credit.mustStop() && !pause.isOn()) {
                pause.begin();
            }
        }
    }

    /// There is room again. Not at once, because whoever made it is in the middle of something.
    final void unparkSoon() {
        context.executor().execute(this::unpark);
    }

    private void unpark() {
        if (!closed) {
            liveness.listening(pulse.now());
            pause.end();
            announce();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (!closed && ctx.channel().isWritable()) {
            send();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        terminate(null, -1);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        terminate(null, -1);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        terminate(cause, -1);
    }

    // Sending.

    final void write(ByteBuf frame) {
        if (closed) {
            frame.release();
            return;
        }
        unflushed = true;
        context.write(frame, context.voidPromise());
    }

    /// Sends what windows allow and flushes, now or at the end of the read burst.
    final void send() {
        if (closed) {
            return;
        }
        boolean data = outbox.drain();
        tolerance.sent(outbox.dataFrames());
        unflushed |= data;
        if (unflushed && !reading) {
            unflushed = false;
            context.flush();
        }
    }

    /// Announces what is due of the tunnel's window; flushes unless in a read burst.
    final void announce() {
        int increment = credit.due();
        if (increment > 0) {
            frames.windowUpdate(0, increment);
        }
        if (unflushed && !reading && !closed) {
            unflushed = false;
            context.flush();
        }
    }

    // Streams.

    final Stream newStream(int streamId) {
        Stream stream = new Stream(this, streamId, peer.initialWindow(), settings.streamWindow());
        streams.put(streamId, stream);
        return stream;
    }

    final void touch(Stream stream) {
        stream.nextTouched = touched;
        touched = stream;
    }

    /// A stream has left.
    final void closed(Stream stream) {
        streams.remove(stream.id());
        if (!closed) {
            try {
                onStreamClosed(stream);
            } catch (ConnectionError broken) {
                violated(broken);
            }
        }
    }

    /// The peer broke a rule of one stream (RFC 9113 section 5.4.2).
    final void streamError(int streamId, long code) throws ConnectionError {
        tolerance.streamError(liveness.lastHeard());
        Stream stream = streams.get(streamId);
        frames.reset(streamId, code);
        if (stream != null) {
            stream.fail(new StreamFailure.Reset(code, false));
        }
    }

    /// The peer sent something that moves nothing.
    final void charge() throws ConnectionError {
        tolerance.frame(liveness.lastHeard());
    }

    final void chargeWindowUpdate() throws ConnectionError {
        tolerance.sent(outbox.dataFrames());
        tolerance.windowUpdate(liveness.lastHeard());
    }

    /// Fields after the first ones may only end the direction (RFC 9113 section 8.1). CONNECT
    /// knows no trailers, but the reference implementation takes them for the end, and so do we.
    final void trailers(Stream stream, boolean endStream) throws ConnectionError {
        if (endStream) {
            stream.endInput();
        } else {
            streamError(stream.id(), ErrorCode.PROTOCOL_ERROR);
        }
    }

    // Time.

    @Override
    public final long beat(long now) {
        if (closed) {
            return Pulse.NEVER;
        }
        if (!reader.sawPreface() && now - prefaceDeadline >= 0) {
            violated(new ConnectionError(ErrorCode.SETTINGS_TIMEOUT, "no HTTP/2 preface"));
            return Pulse.NEVER;
        }
        long next = reader.sawPreface() ? Pulse.NEVER : prefaceDeadline;
        next = Math.min(next, pause.isOn() ? pause.beat(now) : liveness.beat(now));
        return closed ? Pulse.NEVER : Math.min(next, beatOfRole(now));
    }

    final boolean sawPreface() {
        return reader.sawPreface();
    }

    // The end.

    private void violated(ConnectionError broken) {
        terminate(TunnelClosed.violation(broken.code(), broken.getMessage()), broken.code());
    }

    /// Ends everything, once.
    ///
    /// @param told the cause; null when there is none of its own
    /// @param goAway code to tell the peer; -1 to say nothing
    final void terminate(@Nullable Throwable told, long goAway) {
        if (closed) {
            return;
        }
        if (goAway >= 0 && context.channel().isActive()) {
            frames.goAway(lastPeerStream(), goAway);
        }
        closed = true;
        Throwable cause = told == null ? impliedCause() : told;
        pulse.stop();
        reader.close();
        StreamFailure lost = new StreamFailure.TunnelLost(cause);
        for (Stream stream : streams.toArray(NO_STREAMS)) {
            stream.fail(lost);
        }
        headerBlocks.close();
        onTerminated(cause);
        leave();
    }

    private void leave() {
        ChannelHandlerContext ctx = context;
        if (!ctx.channel().isOpen()) {
            return;
        }
        var limit =
                ctx.executor()
                        .schedule(
                                () -> ctx.channel().unsafe().close(ctx.channel().voidPromise()),
                                settings.closeTimeout().toNanos(),
                                TimeUnit.NANOSECONDS);
        ctx.channel().closeFuture().addListener(done -> limit.cancel(false));
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
}
