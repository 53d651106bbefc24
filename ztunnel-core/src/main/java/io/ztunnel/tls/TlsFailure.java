package io.ztunnel.tls;

import org.jspecify.annotations.Nullable;

import javax.net.ssl.SSLHandshakeException;

/// Why a handshake failed, in the words of docs/spec/identity-and-tls.md 5.6.
///
/// The cause of the failed [io.netty.handler.ssl.SslHandshakeCompletionEvent] that a handler behind
/// the TLS handler sees.
public final class TlsFailure extends SSLHandshakeException {
    private static final long serialVersionUID = 1L;

    TlsFailure(String text, @Nullable Throwable cause) {
        super(text);
        if (cause != null) {
            initCause(cause);
        }
    }

    /// Our own verdict if we gave one, else what the library or the peer said.
    static TlsFailure of(PeerCheck check, Throwable cause) {
        if (cause instanceof TlsFailure said) {
            return said;
        }
        PeerRejected rejected = check.rejected();
        return new TlsFailure(
                rejected == null ? "tls handshake error: " + describe(cause) : rejected.text(),
                cause);
    }

    /// The reason in words for any failure of a TLS connection, one line, for logs.
    public static String textOf(Throwable failure) {
        Throwable at = failure;
        for (int depth = 0; at != null && depth < 16; depth++) {
            if (at instanceof TlsFailure || at instanceof PeerRejected) {
                return String.valueOf(at.getMessage());
            }
            at = at.getCause();
        }
        return "tls handshake error: " + describe(failure);
    }

    /// Whether the peer was turned away because its certificate is revoked.
    public static boolean revoked(Throwable failure) {
        Throwable at = failure;
        for (int depth = 0; at != null && depth < 16; depth++) {
            if (at instanceof PeerRejected rejected) {
                return rejected.reason() == PeerRejected.Reason.REVOKED;
            }
            at = at.getCause();
        }
        return false;
    }

    private static String describe(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.getClass().getSimpleName() : message;
    }
}
