package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.util.ReferenceCountUtil;
import io.ztunnel.hbone.h2.ErrorCode;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayDeque;

/// State of one stream. Kept small: a tunnel holds hundreds, most of them idle, so queues exist
/// only while they hold something and flags share one field.
final class Stream implements TunnelStream {

    private static final Logger log = LoggerFactory.getLogger(Stream.class);

    /// Where [Outbox] keeps the stream.
    static final byte NOT_SCHEDULED = 0;

    static final byte SCHEDULED = 1;

    /// The peer has sent END_STREAM.
    private static final int INPUT_ENDED = 1;

    /// The receiver was told so.
    private static final int END_DELIVERED = 1 << 1;

    /// [#finish] was called.
    private static final int FINISHING = 1 << 2;

    /// Our END_STREAM went out.
    private static final int OUTPUT_ENDED = 1 << 3;

    /// Not in the tunnel's table any more.
    private static final int CLOSED = 1 << 4;

    /// A false [#isWritable] waits for its [StreamReceiver#onWritable].
    private static final int STARVED = 1 << 5;

    /// Reset by us, or the receiver was told of the failure.
    private static final int SILENT = 1 << 6;

    /// In the tunnel's list of streams that got data in this read burst.
    private static final int TOUCHED = 1 << 7;

    /// What was held back is being delivered.
    private static final int DELIVERING = 1 << 8;

    private final TunnelConnection tunnel;
    private final int id;
    private int flags;
    private @Nullable StreamReceiver receiver;
    private @Nullable StreamFailure failure;
    private @Nullable String responseBaggage;

    /// Who waits for the answer: [IncomingRequest] on a server, [PendingAnswer] on a client.
    @Nullable Object unanswered;

    // Output. The first buffer stands alone, because most streams never queue a second one.
    private @Nullable ByteBuf first;
    private @Nullable ArrayDeque<ByteBuf> rest;
    private int queued;
    int sendWindow;

    // The scheduler's part.
    int deficit;
    int epoch;
    byte scheduled = NOT_SCHEDULED;
    @Nullable Stream nextScheduled;

    // Input.
    private @Nullable ArrayDeque<ByteBuf> held;
    private int receiveWindow;
    private int unannounced;
    private int unconsumed;
    @Nullable Stream nextTouched;

    Stream(TunnelConnection tunnel, int id, int sendWindow, int receiveWindow) {
        this.tunnel = tunnel;
        this.id = id;
        this.sendWindow = sendWindow;
        this.receiveWindow = receiveWindow;
    }

    private boolean is(int flag) {
        return (flags & flag) != 0;
    }

    // What the user calls.

    @Override
    public void receiver(StreamReceiver newReceiver) {
        receiver = newReceiver;
        if (is(DELIVERING)) {
            return;
        }
        flags |= DELIVERING;
        boolean delivered = false;
        ArrayDeque<ByteBuf> waiting = held;
        while (waiting != null && held == waiting && !waiting.isEmpty()) {
            delivered = true;
            deliver(waiting.poll());
        }
        if (held == waiting) {
            held = null;
        }
        flags &= ~DELIVERING;
        if (delivered) {
            readComplete();
        }
        deliverEnd();
        deliverFailure();
    }

    @Override
    public boolean isWritable() {
        if (is(CLOSED | FINISHING)) {
            return false;
        }
        if (queued < tunnel.settings.streamQueue()) {
            return true;
        }
        flags |= STARVED;
        return false;
    }

    @Override
    public void write(ByteBuf data) {
        int size = data.readableBytes();
        if (size == 0 || is(CLOSED | FINISHING)) {
            data.release();
            return;
        }
        if (first == null) {
            first = data;
        } else {
            ArrayDeque<ByteBuf> queue = rest;
            if (queue == null) {
                queue = new ArrayDeque<>(4);
                rest = queue;
            }
            queue.add(data);
        }
        queued += size;
        tunnel.outbox.activate(this);
    }

    @Override
    public void flush() {
        tunnel.send();
    }

    @Override
    public void finish() {
        if (is(FINISHING | CLOSED)) {
            return;
        }
        flags |= FINISHING;
        if (queued == 0) {
            tunnel.frames.end(id);
            outputEnded();
        }
        tunnel.send();
    }

    @Override
    public void reset(long errorCode) {
        releaseHeld();
        flags |= SILENT;
        if (is(CLOSED)) {
            return;
        }
        tunnel.frames.reset(id, errorCode);
        close();
        tunnel.send();
    }

    @Override
    public void consumed(int bytes) {
        if (bytes > unconsumed) {
            throw new IllegalArgumentException(bytes + " consumed of " + unconsumed);
        }
        if (is(CLOSED)) {
            // The tunnel took all of it back when the stream left.
            return;
        }
        unconsumed -= bytes;
        tunnel.credit.consumed(bytes);
        restore(bytes);
        tunnel.announce();
    }

    @Override
    public boolean inputFinished() {
        return is(END_DELIVERED | SILENT);
    }

    @Override
    public boolean outputFinished() {
        return is(FINISHING | CLOSED | SILENT);
    }

    @Override
    public @Nullable String responseBaggage() {
        return responseBaggage;
    }

    void responseBaggage(@Nullable String baggage) {
        responseBaggage = baggage;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public Tunnel tunnel() {
        return tunnel;
    }

    // What the scheduler asks and does.

    boolean sendable() {
        return queued > 0 && sendWindow > 0;
    }

    int queued() {
        return queued;
    }

    boolean finishing() {
        return is(FINISHING);
    }

    /// The buffer to send next. Only while [#queued] is positive.
    ByteBuf head() {
        ByteBuf head = first;
        if (head == null) {
            throw new IllegalStateException("nothing is queued");
        }
        return head;
    }

    /// The head, or its first `bytes`, went out.
    void sent(int bytes, boolean headIsGone) {
        queued -= bytes;
        sendWindow -= bytes;
        if (headIsGone) {
            ArrayDeque<ByteBuf> queue = rest;
            first = queue == null ? null : queue.poll();
        }
    }

    /// The answer was a refusal and ended our direction; the peer need not send on.
    void refused() {
        releaseHeld();
        flags |= SILENT | FINISHING | OUTPUT_ENDED;
        if (is(INPUT_ENDED)) {
            close();
        } else {
            tunnel.frames.reset(id, ErrorCode.NO_ERROR);
            close();
        }
    }

    void outputEnded() {
        flags |= OUTPUT_ENDED;
        closeIfDone();
    }

    /// Calls back a writer that found no room, once half of the queue is free.
    void relieve() {
        StreamReceiver listener = receiver;
        if (!is(STARVED) || is(CLOSED) || listener == null) {
            return;
        }
        if (queued > tunnel.settings.streamQueue() / 2) {
            return;
        }
        flags &= ~STARVED;
        try {
            listener.onWritable();
        } catch (Throwable failing) {
            broken(failing);
        }
    }

    // What the tunnel tells.

    boolean inputEnded() {
        return is(INPUT_ENDED);
    }

    boolean closed() {
        return is(CLOSED);
    }

    boolean accepts(int length) {
        return length <= receiveWindow;
    }

    void took(int length) {
        receiveWindow -= length;
    }

    /// Padding counts for flow control but nobody will consume it.
    void restore(int bytes) {
        unannounced += bytes;
        int floor = Math.min(tunnel.settings.streamWindow() / 4, 4096);
        if (!is(INPUT_ENDED) && unannounced >= Math.max(receiveWindow / 2, floor)) {
            tunnel.frames.windowUpdate(id, unannounced);
            receiveWindow += unannounced;
            unannounced = 0;
        }
    }

    void data(ByteBuf chunk) {
        int bytes = chunk.readableBytes();
        unconsumed += bytes;
        tunnel.credit.arrived(bytes);
        if (receiver == null || held != null) {
            ArrayDeque<ByteBuf> queue = held;
            if (queue == null) {
                queue = new ArrayDeque<>(4);
                held = queue;
            }
            queue.add(chunk);
            return;
        }
        if (!is(TOUCHED)) {
            flags |= TOUCHED;
            tunnel.touch(this);
        }
        deliver(chunk);
    }

    private void deliver(ByteBuf chunk) {
        StreamReceiver listener = receiver;
        if (listener == null || is(SILENT)) {
            chunk.release();
            return;
        }
        try {
            listener.onData(chunk);
        } catch (Throwable failing) {
            broken(failing);
        }
    }

    void burstEnded() {
        flags &= ~TOUCHED;
        readComplete();
    }

    private void readComplete() {
        StreamReceiver listener = receiver;
        if (listener != null && !is(SILENT)) {
            try {
                listener.onReadComplete();
            } catch (Throwable failing) {
                broken(failing);
            }
        }
    }

    void endInput() {
        flags |= INPUT_ENDED;
        closeIfDone();
        deliverEnd();
    }

    private void deliverEnd() {
        StreamReceiver listener = receiver;
        if (listener == null || held != null || !is(INPUT_ENDED) || is(END_DELIVERED | SILENT)) {
            return;
        }
        flags |= END_DELIVERED;
        try {
            listener.onEnd();
        } catch (Throwable failing) {
            broken(failing);
        }
    }

    /// The stream is over in both directions, not by our wish.
    void fail(StreamFailure why) {
        close();
        failure = why;
        Object waiting = unanswered;
        unanswered = null;
        if (waiting != null) {
            flags |= SILENT;
            releaseHeld();
            tunnel.unansweredFailed(waiting, why);
            flags &= ~SILENT;
            return;
        }
        deliverFailure();
    }

    private void deliverFailure() {
        StreamReceiver listener = receiver;
        StreamFailure why = failure;
        if (listener == null || held != null || why == null || is(SILENT)) {
            return;
        }
        flags |= SILENT;
        try {
            listener.onReset(why);
        } catch (Throwable failing) {
            log.warn("receiver of stream {} failed", id, failing);
        }
    }

    private void broken(Throwable failing) {
        log.warn("receiver of stream {} failed; the stream is reset", id, failing);
        reset(ErrorCode.INTERNAL_ERROR);
    }

    private void closeIfDone() {
        if (is(INPUT_ENDED) && is(OUTPUT_ENDED)) {
            close();
        }
    }

    /// Leaves the tunnel, gives back what it owes, drops what was not sent.
    private void close() {
        if (is(CLOSED)) {
            return;
        }
        flags |= CLOSED;
        ByteBuf head = first;
        if (head != null) {
            first = null;
            head.release();
        }
        if (rest != null) {
            rest.forEach(ReferenceCountUtil::release);
            rest = null;
        }
        queued = 0;
        tunnel.credit.consumed(unconsumed);
        tunnel.closed(this);
    }

    private void releaseHeld() {
        ArrayDeque<ByteBuf> waiting = held;
        if (waiting != null) {
            held = null;
            waiting.forEach(ReferenceCountUtil::release);
        }
    }
}
