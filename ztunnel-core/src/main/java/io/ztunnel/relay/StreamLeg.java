package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;
import io.ztunnel.hbone.ResetCode;
import io.ztunnel.hbone.StreamFailure;
import io.ztunnel.hbone.StreamReceiver;
import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.TunnelStream;

import org.jspecify.annotations.Nullable;

/// A stream of a tunnel as a leg. Pausing keeps the flow-control credit back, so that only this
/// stream's sender stops.
public final class StreamLeg implements Leg, StreamReceiver {
    private final TunnelStream stream;
    private final TunnelFlush flush;
    private final @Nullable Runnable whenClosed;
    private @Nullable LegListener listener;
    private int withheld;
    private boolean paused;
    private boolean over;
    private boolean closed;

    public StreamLeg(TunnelStream stream) {
        this(stream, null);
    }

    /// @param whenClosed runs when the relay is done with the leg
    public StreamLeg(TunnelStream stream, @Nullable Runnable whenClosed) {
        this.stream = stream;
        this.flush = TunnelFlush.of(stream);
        this.whenClosed = whenClosed;
    }

    /// What carries the stream.
    public Tunnel tunnel() {
        return stream.tunnel();
    }

    @Override
    public void attach(LegListener attached) {
        listener = attached;
        stream.receiver(this);
    }

    @Override
    public boolean isWritable() {
        return stream.isWritable();
    }

    @Override
    public void write(ByteBuf data) {
        stream.write(data);
    }

    @Override
    public void flush() {
        flush.soon();
    }

    @Override
    public void flushNow() {
        stream.flush();
    }

    @Override
    public void finish() {
        stream.finish();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!over) {
            over = true;
            if (!stream.inputFinished() || !stream.outputFinished()) {
                // A side that is done sending says so without an accusation (RFC 9113 8.1).
                stream.reset(stream.outputFinished() ? ResetCode.NO_ERROR : ResetCode.CANCEL);
            }
        }
        if (whenClosed != null) {
            whenClosed.run();
        }
    }

    /// What is queued of a stream that was finished is sent by its tunnel either way.
    @Override
    public void abort() {
        if (!over && stream.outputFinished() && !stream.inputFinished()) {
            stream.reset(ResetCode.CANCEL);
        }
        close();
    }

    @Override
    public void pause() {
        paused = true;
    }

    @Override
    public void resume() {
        paused = false;
        if (withheld > 0 && !over) {
            int credit = withheld;
            withheld = 0;
            stream.consumed(credit);
        }
    }

    @Override
    public void onData(ByteBuf data) {
        int bytes = data.readableBytes();
        to().onData(data);
        if (paused) {
            withheld += bytes;
        } else if (!over) {
            stream.consumed(bytes);
        }
    }

    @Override
    public void onReadComplete() {
        to().onBurstEnd();
    }

    @Override
    public void onEnd() {
        to().onEnd();
    }

    @Override
    public void onReset(StreamFailure failure) {
        over = true;
        to().onGone(
                        isOrdinaryEnd(failure)
                                ? LegGone.STREAM
                                : new LegGone("io error: " + failure.text(), true));
    }

    private static boolean isOrdinaryEnd(StreamFailure failure) {
        return failure instanceof StreamFailure.Reset reset
                && (reset.code() == ResetCode.NO_ERROR
                        || reset.code() == ResetCode.CANCEL
                        || reset.code() == ResetCode.STREAM_CLOSED);
    }

    @Override
    public void onWritable() {
        to().onWritable();
    }

    private LegListener to() {
        LegListener attached = listener;
        if (attached == null) {
            throw new IllegalStateException("a stream has no events before its receiver is set");
        }
        return attached;
    }
}
