package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;

/// One side of a relayed connection. Confined to the event loop of its connection.
public interface Leg {

    /// Starts the events; what arrived before is delivered first.
    void attach(LegListener listener);

    /// Whether more may be written now; where not, [LegListener#onWritable] follows.
    boolean isWritable();

    /// Takes ownership of the bytes. Nothing is sent before [#flush].
    void write(ByteBuf data);

    /// Sends what was written, at the latest when the loop has gone through what is at hand.
    void flush();

    /// Sends what was written before it returns, as far as the other side has room.
    default void flushNow() {
        flush();
    }

    /// Ends the output after all that was written; the input stays open.
    void finish();

    /// Lets the leg go. What was written before it was finished is still sent; a leg that was not
    /// finished ends at once.
    void close();

    /// Ends both directions at once and drops what is queued.
    void abort();

    /// Whether bytes written before [#finish] are still waiting for the other side.
    default boolean isFinishing() {
        return false;
    }

    /// Looks whether the other side is still there, and has that looked at more often than usual.
    default void probe() {}

    /// Stops reading, so that the sender runs into its own limit.
    void pause();

    void resume();
}
