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
import io.ztunnel.hbone.h2.Allowance;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;
import io.ztunnel.hbone.h2.FrameReader;
import io.ztunnel.hbone.h2.FrameSink;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.HeaderBlocks;
import io.ztunnel.hbone.h2.Setting;
import io.ztunnel.hbone.h2.StreamTable;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;

/// What both roles of a tunnel share: the state of an HTTP/2 connection (RFC 9113 sections 5 and
/// 6).
abstract class TunnelConnection extends ChannelInboundHandlerAdapter
        implements Tunnel, FrameSink, Pulse.Heart {

    private static final Logger log = LoggerFactory.getLogger(TunnelConnection.class);
    private static final Stream[] NO_STREAMS = {};

    private static final long KEEP_ALIVE = 0x7a74756e6e656c21L;

    /// Frames of a peer per DATA frame of ours that may be WINDOW_UPDATE; more invite themselves.
    private static final int UPDATES_PER_DATA_FRAME = 8;

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
    Pulse pulse;

    @SuppressWarnings("NullAway.Init")
    private FrameReader reader;

    @SuppressWarnings("NullAway.Init")
    private Allowance control;

    @SuppressWarnings("NullAway.Init")
    private Allowance windowUpdates;

    @SuppressWarnings("NullAway.Init")
    private Allowance streamErrors;

    private final FrameReader.Limits limits;
    private final boolean server;

    private @Nullable Object attachment;
    private @Nullable Stream current;
    private @Nullable Stream touched;
    private boolean reading;
    private boolean unflushed;
    private boolean closed;

    private int peerInitialWindow = Setting.DEFAULT_WINDOW;
    private int peerMaxFrame = Setting.DEFAULT_MAX_FRAME;
    private long grantedFrames;

    private long lastHeard;
    private long pingSentAt;
    private boolean pinging;
    private boolean doubtful;
    private long arrivals;
    private boolean parked;
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
        reader = new FrameReader(this, limits, ctx.alloc(), server);
        pulse = new Pulse(ctx.executor(), this);
        ctx.channel()
                .config()
                .setWriteBufferWaterMark(
                        new WriteBufferWaterMark(
                                settings.lowWaterMark(), settings.highWaterMark()));
        long now = pulse.now();
        lastHeard = now;
        prefaceDeadline = now + settings.prefaceTimeout().toNanos();
        control = new Allowance(settings.controlBurst(), 200, now);
        windowUpdates = new Allowance(2 * settings.controlBurst(), 1000, now);
        streamErrors = new Allowance(settings.controlBurst(), 50, now);
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
        lastHeard = pulse.now();
        arrivals++;
        pinging = false;
        if (doubtful) {
            doubtful = false;
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
            if (credit.mustStop() && !parked) {
                parked = true;
                credit.share().park(this);
                ctx.channel().config().setAutoRead(false);
            }
        }
    }

    /// There is room again. Not at once, because whoever made it is in the middle of something.
    final void unparkSoon() {
        context.executor().execute(this::unpark);
    }

    private void unpark() {
        parked = false;
        if (!closed) {
            lastHeard = pulse.now();
            context.channel().config().setAutoRead(true);
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
        grantUpdates();
        unflushed |= data;
        if (unflushed && !reading) {
            unflushed = false;
            context.flush();
        }
    }

    private void grantUpdates() {
        long frames = outbox.dataFrames();
        if (frames != grantedFrames) {
            windowUpdates.grant(
                    (int) Math.min(1_000_000, (frames - grantedFrames) * UPDATES_PER_DATA_FRAME));
            grantedFrames = frames;
        }
    }

    final void writeHeaders(int streamId, Http2Headers headers, boolean endStream) {
        ByteBuf block = context.alloc().ioBuffer(256);
        ByteBuf out = context.alloc().ioBuffer(256);
        try {
            headerBlocks.encode(streamId, headers, block);
            FrameWriter.headers(out, streamId, block, endStream, peerMaxFrame);
        } finally {
            block.release();
        }
        write(out);
    }

    /// END_STREAM alone. Not bound by windows (RFC 9113 section 6.9.1).
    final void writeEnd(int streamId) {
        ByteBuf out = context.alloc().ioBuffer(16);
        FrameWriter.dataHeader(out, streamId, 0, true);
        write(out);
    }

    final void writeReset(int streamId, long code) {
        recentResets.add(streamId);
        ByteBuf out = context.alloc().ioBuffer(16);
        FrameWriter.rstStream(out, streamId, code);
        write(out);
    }

    final void writeWindowUpdate(int streamId, int increment) {
        ByteBuf out = context.alloc().ioBuffer(16);
        FrameWriter.windowUpdate(out, streamId, increment);
        write(out);
    }

    final void writePing(boolean ack, long opaque) {
        ByteBuf out = context.alloc().ioBuffer(32);
        FrameWriter.ping(out, ack, opaque);
        write(out);
    }

    final void writeGoAway(int lastStreamId, long code) {
        ByteBuf out = context.alloc().ioBuffer(32);
        FrameWriter.goAway(out, lastStreamId, code);
        write(out);
    }

    /// Announces what is due of the tunnel's window; flushes unless in a read burst.
    final void announce() {
        int increment = credit.due();
        if (increment > 0) {
            writeWindowUpdate(0, increment);
        }
        if (unflushed && !reading && !closed) {
            unflushed = false;
            context.flush();
        }
    }

    // Streams.

    final Stream newStream(int streamId) {
        Stream stream = new Stream(this, streamId, peerInitialWindow, settings.streamWindow());
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
        if (!streamErrors.take(lastHeard)) {
            throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many stream errors");
        }
        Stream stream = streams.get(streamId);
        writeReset(streamId, code);
        if (stream != null) {
            stream.fail(new StreamFailure.Reset(code, false));
        }
    }

    final void charge() throws ConnectionError {
        if (!control.take(lastHeard)) {
            throw new ConnectionError(
                    ErrorCode.ENHANCE_YOUR_CALM, "too many frames without purpose");
        }
    }

    // Frames.

    @Override
    public final void onDataStart(int streamId, int length, boolean endStream)
            throws ConnectionError {
        if (!credit.accepts(length)) {
            throw new ConnectionError(
                    ErrorCode.FLOW_CONTROL_ERROR, "DATA exceeds the connection's window");
        }
        credit.took(length);
        current = null;
        Stream stream = streams.get(streamId);
        if (stream == null) {
            if (isIdle(streamId)) {
                throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream");
            }
            if (!recentResets.contains(streamId)) {
                streamError(streamId, ErrorCode.STREAM_CLOSED);
            }
            return;
        }
        if (stream.inputEnded()) {
            streamError(streamId, ErrorCode.STREAM_CLOSED);
        } else if (!server && stream.unanswered != null) {
            streamError(streamId, ErrorCode.PROTOCOL_ERROR);
        } else if (!stream.accepts(length)) {
            streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR);
        } else {
            if (length == 0 && !endStream) {
                charge();
            }
            stream.took(length);
            current = stream;
        }
    }

    @Override
    public final void onDataChunk(ByteBuf chunk) {
        Stream stream = current;
        if (stream == null || stream.closed()) {
            credit.discarded(chunk.readableBytes());
            chunk.release();
            return;
        }
        stream.data(chunk);
    }

    @Override
    public final void onDataPadding(int bytes) {
        credit.discarded(bytes);
        Stream stream = current;
        if (stream != null && !stream.closed()) {
            stream.restore(bytes);
        }
    }

    @Override
    public final void onDataEnd(boolean endStream) {
        Stream stream = current;
        current = null;
        if (endStream && stream != null && !stream.closed()) {
            stream.endInput();
        }
    }

    @Override
    public final void onHeaders(int streamId, ByteBuf block, boolean endStream)
            throws ConnectionError {
        HeaderBlocks.Decoded decoded = headerBlocks.decode(streamId, block);
        Stream stream = streams.get(streamId);
        if (stream == null) {
            onStrangeHeaders(streamId, decoded, endStream);
        } else if (stream.inputEnded()) {
            streamError(streamId, ErrorCode.STREAM_CLOSED);
        } else if (decoded instanceof HeaderBlocks.Decoded.Fields fields) {
            onStreamHeaders(stream, fields.headers(), endStream);
        } else {
            streamError(streamId, ErrorCode.PROTOCOL_ERROR);
        }
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

    @Override
    public final void onRstStream(int streamId, long code) throws ConnectionError {
        Stream stream = streams.get(streamId);
        if (stream != null) {
            onPeerReset(stream);
            stream.fail(new StreamFailure.Reset(code, true));
        } else if (isIdle(streamId)) {
            throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
        } else {
            charge();
        }
    }

    /// A peer gives up a stream; a role may count it.
    void onPeerReset(Stream stream) throws ConnectionError {}

    @Override
    public final void onSetting(int id, long value) throws ConnectionError {
        switch (id) {
            case Setting.HEADER_TABLE_SIZE -> headerBlocks.peerTableSize(value);
            case Setting.ENABLE_PUSH -> {
                if (value > (server ? 1 : 0)) {
                    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH " + value);
                }
            }
            case Setting.MAX_CONCURRENT_STREAMS -> onPeerMaxStreams(value);
            case Setting.INITIAL_WINDOW_SIZE -> {
                if (value > Integer.MAX_VALUE) {
                    throw new ConnectionError(
                            ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE " + value);
                }
                resizeWindows((int) value);
            }
            case Setting.MAX_FRAME_SIZE -> {
                if (value < Setting.DEFAULT_MAX_FRAME || value > Setting.LARGEST_MAX_FRAME) {
                    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE " + value);
                }
                peerMaxFrame = (int) value;
                outbox.peerMaxFrame(peerMaxFrame);
            }
            default -> {
                // MAX_HEADER_LIST_SIZE is advice that our short lists never need; the rest is
                // unknown and ignored (RFC 9113 section 6.5.2).
            }
        }
    }

    /// Windows of open streams move with the setting, below zero if need be (RFC 9113 section
    /// 6.9.2).
    private void resizeWindows(int size) throws ConnectionError {
        long delta = (long) size - peerInitialWindow;
        peerInitialWindow = size;
        for (Stream stream : streams.toArray(NO_STREAMS)) {
            long window = stream.sendWindow + delta;
            if (window > Integer.MAX_VALUE) {
                throw new ConnectionError(
                        ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE overflows a window");
            }
            stream.sendWindow = (int) window;
            outbox.activate(stream);
        }
    }

    @Override
    public final void onSettingsEnd() throws ConnectionError {
        charge();
        ByteBuf out = context.alloc().ioBuffer(16);
        FrameWriter.settingsAck(out);
        write(out);
        onPeerSettings();
    }

    @Override
    public final void onSettingsAck() throws ConnectionError {
        charge();
    }

    @Override
    public final void onPing(boolean ack, long opaque) throws ConnectionError {
        charge();
        if (ack) {
            onPingAck(opaque);
        } else {
            writePing(true, opaque);
        }
    }

    @Override
    public final void onGoAway(int lastStreamId, long code) throws ConnectionError {
        charge();
        onPeerGoAway(lastStreamId, code);
    }

    @Override
    public final void onWindowUpdate(int streamId, int increment) throws ConnectionError {
        grantUpdates();
        if (!windowUpdates.take(lastHeard)) {
            throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many WINDOW_UPDATE frames");
        }
        if (streamId == 0) {
            if (increment == 0) {
                throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
            }
            if (!outbox.grow(increment)) {
                throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "window overflow");
            }
            return;
        }
        Stream stream = streams.get(streamId);
        if (stream == null) {
            if (isIdle(streamId)) {
                throw new ConnectionError(
                        ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
            }
        } else if (increment == 0) {
            streamError(streamId, ErrorCode.PROTOCOL_ERROR);
        } else if ((long) stream.sendWindow + increment > Integer.MAX_VALUE) {
            streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR);
        } else {
            stream.sendWindow += increment;
            outbox.activate(stream);
        }
    }

    @Override
    public final void onIgnored() throws ConnectionError {
        charge();
    }

    // Time.

    @Override
    public final long beat(long now) {
        if (closed) {
            return Pulse.NEVER;
        }
        if (parked) {
            // Whoever does not listen cannot call the other one silent.
            lastHeard = now;
            pinging = false;
        }
        long next = Pulse.NEVER;
        if (!reader.sawPreface()) {
            if (now - prefaceDeadline >= 0) {
                violated(new ConnectionError(ErrorCode.SETTINGS_TIMEOUT, "no HTTP/2 preface"));
                return Pulse.NEVER;
            }
            next = prefaceDeadline;
        }
        if (pinging) {
            long limit = pingSentAt + settings.pingTimeout().toNanos();
            if (now - limit >= 0) {
                terminate(TunnelClosed.silence("ping timeout"), server ? ErrorCode.NO_ERROR : -1);
                return Pulse.NEVER;
            }
            next = Math.min(next, limit);
            if (!doubtful) {
                long patience = pingSentAt + settings.doubtTimeout().toNanos();
                if (now - patience >= 0) {
                    doubtful = true;
                    onDoubt(true);
                } else {
                    next = Math.min(next, patience);
                }
            }
        } else {
            long quiet = lastHeard + settings.pingInterval().toNanos();
            if (now - quiet >= 0) {
                ping(now);
                send();
                next = Math.min(next, now + firstLimit());
            } else {
                next = Math.min(next, quiet);
            }
        }
        return Math.min(next, beatOfRole(now));
    }

    private void ping(long now) {
        pinging = true;
        pingSentAt = now;
        writePing(false, KEEP_ALIVE);
    }

    private long firstLimit() {
        return Math.min(settings.doubtTimeout().toNanos(), settings.pingTimeout().toNanos());
    }

    /// Asks for a sign of life beside what is about to be sent, when there was none for a while:
    /// the address may belong to somebody else by now, or to nobody.
    final void askIfSilent(long now) {
        if (!pinging && now - lastHeard >= settings.trust().toNanos()) {
            ping(now);
            pulse.by(now + firstLimit());
        }
    }

    /// Whether a PING has gone unanswered for so long that nothing new should rely on the tunnel.
    final boolean isDoubtful() {
        return doubtful;
    }

    /// Grows whenever anything arrives.
    final long arrivals() {
        return arrivals;
    }

    // The end.

    private void violated(ConnectionError broken) {
        terminate(TunnelClosed.violation(broken.code(), broken.getMessage()), broken.code());
    }

    final boolean sawPreface() {
        return reader.sawPreface();
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
            writeGoAway(lastPeerStream(), goAway);
        }
        closed = true;
        Throwable cause = told == null ? impliedCause() : told;
        pulse.stop();
        reader.close();
        current = null;
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
