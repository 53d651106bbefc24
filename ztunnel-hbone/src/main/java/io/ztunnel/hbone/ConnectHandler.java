package io.ztunnel.hbone;

import org.jspecify.annotations.Nullable;

/// Decides what becomes of the requests of one server tunnel. Called on its event loop.
public interface ConnectHandler {

    /// A well-formed request arrived, of any method. Answer it now or later, exactly once.
    void onConnect(IncomingConnect connect);

    /// The tunnel has ended and all its streams were told. Called once.
    ///
    /// @param cause null when it ended in order
    void onTunnelClosed(@Nullable Throwable cause);
}
