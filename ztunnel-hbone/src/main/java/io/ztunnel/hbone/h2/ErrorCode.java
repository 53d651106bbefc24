package io.ztunnel.hbone.h2;

/// Error codes of RFC 9113 section 7. On the wire they are unsigned 32-bit numbers.
public final class ErrorCode {

    public static final long NO_ERROR = 0x0;
    public static final long PROTOCOL_ERROR = 0x1;
    public static final long INTERNAL_ERROR = 0x2;
    public static final long FLOW_CONTROL_ERROR = 0x3;
    public static final long SETTINGS_TIMEOUT = 0x4;
    public static final long STREAM_CLOSED = 0x5;
    public static final long FRAME_SIZE_ERROR = 0x6;
    public static final long REFUSED_STREAM = 0x7;
    public static final long CANCEL = 0x8;
    public static final long COMPRESSION_ERROR = 0x9;
    public static final long CONNECT_ERROR = 0xa;
    public static final long ENHANCE_YOUR_CALM = 0xb;
    public static final long INADEQUATE_SECURITY = 0xc;
    public static final long HTTP_1_1_REQUIRED = 0xd;

    private static final String[] REASONS = {
        "not a result of an error",
        "unspecific protocol error detected",
        "unexpected internal error encountered",
        "flow-control protocol violated",
        "settings ACK not received in timely manner",
        "received frame when stream half-closed",
        "frame with invalid size",
        "refused stream before processing any application logic",
        "stream no longer needed",
        "unable to maintain the header compression context",
        "connection established in response to a CONNECT request was reset or abnormally closed",
        "detected excessive load generating behavior",
        "security properties do not meet minimum requirements",
        "endpoint requires HTTP/1.1"
    };

    private ErrorCode() {}

    /// The words that access logs carry for a code; log-based alerts match them.
    public static String reason(long code) {
        return code >= 0 && code < REASONS.length ? REASONS[(int) code] : "unknown reason";
    }
}
