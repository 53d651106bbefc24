package io.ztunnel.hbone.h2;

/// The connection cannot go on (RFC 9113 section 5.4.1): GOAWAY with this code, then close.
///
/// Without a stack trace: a peer decides how often it is made.
public final class ConnectionError extends Exception {

    private static final long serialVersionUID = 1L;

    private final long code;

    public ConnectionError(long code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    public long code() {
        return code;
    }
}
