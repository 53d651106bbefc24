package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.ErrorCode;

import org.jspecify.annotations.Nullable;

/// A tunnel ended for a reason that one side stated. Without a stack trace: peers decide how
/// often it is made.
public final class TunnelClosed extends Exception {

    private static final long serialVersionUID = 1L;

    /// Who ended the tunnel, and why.
    public enum By {
        /// GOAWAY from the peer.
        PEER("connection error received: "),
        /// The peer broke the protocol or a limit.
        VIOLATION("connection error detected: "),
        /// We wanted it: shutdown, release, revocation.
        US(""),
        /// The peer did not answer in time.
        SILENCE("");

        private final String prefix;

        By(String prefix) {
            this.prefix = prefix;
        }
    }

    private final By by;
    private final long code;

    TunnelClosed(By by, long code, String message) {
        super(message, null, false, false);
        this.by = by;
        this.code = code;
    }

    static TunnelClosed goAway(long code) {
        return new TunnelClosed(By.PEER, code, By.PEER.prefix + ErrorCode.reason(code));
    }

    static TunnelClosed violation(long code, @Nullable String detail) {
        return new TunnelClosed(
                By.VIOLATION,
                code,
                By.VIOLATION.prefix
                        + ErrorCode.reason(code)
                        + (detail == null ? "" : " (" + detail + ")"));
    }

    static TunnelClosed us(String why) {
        return new TunnelClosed(By.US, ErrorCode.NO_ERROR, why);
    }

    static TunnelClosed silence(String what) {
        return new TunnelClosed(By.SILENCE, ErrorCode.NO_ERROR, what);
    }

    public By by() {
        return by;
    }

    /// Code of the GOAWAY that was received or sent.
    public long code() {
        return code;
    }

    static String text(Throwable cause) {
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
