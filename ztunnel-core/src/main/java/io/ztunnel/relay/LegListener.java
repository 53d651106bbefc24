package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;

/// What a leg reports. All calls come on the event loop of the connection.
public interface LegListener {

    /// Bytes arrived; ownership passes to the listener.
    void onData(ByteBuf data);

    /// No more bytes are at hand for now: the moment to flush.
    void onBurstEnd();

    /// The other side finished its output; its input may still be open.
    void onEnd();

    /// The leg is gone in both directions.
    void onGone(LegGone how);

    /// The leg has room again after it had none.
    void onWritable();
}
