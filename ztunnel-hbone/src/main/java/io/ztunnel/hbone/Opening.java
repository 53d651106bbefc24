package io.ztunnel.hbone;

/// A stream that is being opened.
public interface Opening {

    /// Gives up: the listener hears nothing more; a CONNECT already sent is reset with CANCEL.
    /// Nothing once the listener was told. Idempotent.
    void cancel();
}
