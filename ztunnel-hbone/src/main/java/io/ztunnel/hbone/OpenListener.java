package io.ztunnel.hbone;

/// Hears how opening a stream went: exactly one of the two, on the tunnel's event loop, unless
/// the opening was cancelled first.
public interface OpenListener {

    /// The peer answered 200. Set the receiver before returning or later; nothing is lost
    /// meanwhile.
    void onOpen(TunnelStream stream);

    void onFailure(OpenFailure failure);
}
