package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.ErrorCode;

/// Codes of RST_STREAM that callers choose or tell apart (RFC 9113 section 7).
public final class ResetCode {

    public static final long NO_ERROR = ErrorCode.NO_ERROR;
    public static final long PROTOCOL_ERROR = ErrorCode.PROTOCOL_ERROR;
    public static final long INTERNAL_ERROR = ErrorCode.INTERNAL_ERROR;
    public static final long STREAM_CLOSED = ErrorCode.STREAM_CLOSED;
    public static final long REFUSED_STREAM = ErrorCode.REFUSED_STREAM;
    public static final long CANCEL = ErrorCode.CANCEL;
    public static final long CONNECT_ERROR = ErrorCode.CONNECT_ERROR;
    public static final long ENHANCE_YOUR_CALM = ErrorCode.ENHANCE_YOUR_CALM;

    private ResetCode() {}

    /// The words that logs carry for a code.
    public static String reason(long code) {
        return ErrorCode.reason(code);
    }
}
