package io.ztunnel.hbone;

import io.netty.channel.Channel;

import org.jspecify.annotations.Nullable;

/// One secured channel that carries CONNECT streams. Confined to the channel's event loop.
public interface Tunnel {

    Channel channel();

    /// Streams that are open in at least one direction, those waiting for their answer included.
    int openStreams();

    /// Keeps something of the tunnel's user with it, such as who the peer proved to be.
    void attach(Object attachment);

    /// What [#attach] got.
    <T> @Nullable T attachment(Class<T> type);

    /// False once the tunnel drains or is closed, and after any GOAWAY of the peer.
    boolean isUsable();

    /// Ends the tunnel when its streams have ended. A server says so in two steps: GOAWAY with
    /// the highest id, PING, and 200 ms after its answer GOAWAY with the last stream served;
    /// whoever comes later gets REFUSED_STREAM (`docs/spec/dataplane.md` 5.3). Before its first
    /// stream a server waits up to one second for it. A client says GOAWAY at once.
    void drain();

    /// Ends the tunnel now: GOAWAY(NO_ERROR), every stream told, channel closed after the flush.
    ///
    /// @param cause what streams and the handler are told; null for an ordinary shutdown
    void close(@Nullable Throwable cause);

    /// [#close] without a cause.
    default void shutdown() {
        close(null);
    }
}
