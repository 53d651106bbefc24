package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;

/// What a stream tells its user, on the tunnel's event loop.
///
/// After [#onReset] nothing follows. An exception out of any method resets the stream with
/// INTERNAL_ERROR and leaves the tunnel alone.
public interface StreamReceiver {

    /// Bytes arrived; ownership passes. The peer may send as many again only after
    /// [TunnelStream#consumed]. Pieces come as the network cut them, not as DATA frames were.
    void onData(ByteBuf data);

    /// End of a burst of [#onData]: the moment to flush what was written in between.
    void onReadComplete();

    /// The peer has finished its direction; the other one goes on.
    void onEnd();

    /// The stream is gone in both directions.
    void onReset(StreamFailure failure);

    /// There is room again after [TunnelStream#isWritable] was false.
    void onWritable();
}
