package io.ztunnel.hbone;

/// The client's side of a tunnel.
public interface ClientTunnel extends Tunnel {

    /// Sends a CONNECT now. Fails at once, retryable, when the tunnel is not usable or the peer's
    /// stream limit is reached; the listener may therefore be told before this method returns.
    Opening open(ConnectRequest request, OpenListener listener);
}
