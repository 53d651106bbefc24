package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

/// One established CONNECT: bytes both ways inside a [Tunnel], either role.
///
/// Confined to the event loop of its tunnel. Each direction ends on its own: ours with [#finish],
/// the peer's with [StreamReceiver#onEnd]. After both, or after a reset, every method is
/// harmless.
public interface TunnelStream {

    /// Sets who is told. What arrived before was held back within the flow-control window and is
    /// delivered before this method returns. A second receiver replaces the first.
    void receiver(StreamReceiver receiver);

    /// Room for more. False when this stream's own queue is full, which is how the peer's windows
    /// and a full socket show; [StreamReceiver#onWritable] follows a false answer. Writing anyway
    /// is accepted, only unbounded.
    boolean isWritable();

    /// Queues bytes; takes ownership. A buffer with `refCnt` 1 and at least 9 bytes before its
    /// reader index gets the frame header written there, in place: those 9 bytes belong to us
    /// then.
    void write(ByteBuf data);

    /// Sends what windows allow, now or at the end of the tunnel's read burst if within one.
    void flush();

    /// Ends our direction after what is queued; flushes. Idempotent.
    void finish();

    /// Sends RST_STREAM and releases what is queued. The receiver is not told. Idempotent, and
    /// nothing when both directions are finished.
    void reset(long errorCode);

    /// Gives back flow-control credit for bytes that [StreamReceiver#onData] delivered.
    void consumed(int bytes);

    /// The peer's END_STREAM was delivered, or the stream was reset.
    boolean inputFinished();

    /// [#finish] was called, or the stream was reset.
    boolean outputFinished();

    /// `baggage` of the 200 on client streams, all instances joined by commas; null when absent.
    @Nullable String responseBaggage();

    /// HTTP/2 stream id, for logs.
    int id();

    Tunnel tunnel();
}
