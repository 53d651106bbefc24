package io.ztunnel.hbone;

import org.jspecify.annotations.Nullable;

/// Why a stream ended before both directions were finished.
///
/// What follows for the other leg is the relay's to decide (`docs/spec/dataplane.md` 5.4).
public sealed interface StreamFailure {

    /// The peer sent RST_STREAM, or broke a rule for which we sent one with `code`.
    ///
    /// @param byPeer false when we reset the stream because of what the peer did
    record Reset(long code, boolean byPeer) implements StreamFailure {
        @Override
        public String text() {
            return (byPeer ? "stream error received: " : "stream error detected: ")
                    + ResetCode.reason(code);
        }
    }

    /// The tunnel is gone.
    ///
    /// @param cause null when the peer closed the connection without saying why
    record TunnelLost(@Nullable Throwable cause) implements StreamFailure {
        @Override
        public String text() {
            return cause == null ? "connection reset" : TunnelClosed.text(cause);
        }
    }

    /// Words for logs, without the prefix that says where it happened.
    String text();
}
