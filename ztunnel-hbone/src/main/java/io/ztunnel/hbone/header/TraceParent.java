package io.ztunnel.hbone.header;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ThreadLocalRandom;

/// Trace context of a connection (`docs/spec/dataplane.md` 2.4 and 3.6; W3C Trace Context).
///
/// @param traceHigh upper half of the trace id
/// @param traceLow lower half of the trace id
/// @param spanId id of the caller's span
/// @param flags 0 to 255
public record TraceParent(long traceHigh, long traceLow, long spanId, int flags) {

    /// Characters of the only form there is.
    private static final int LENGTH = 55;

    private static final char[] HEX = "0123456789abcdef".toCharArray();

    /// A new trace, unsampled. Good enough to tell connections apart, not to keep secrets.
    public static TraceParent random() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return new TraceParent(random.nextLong(), random.nextLong(), random.nextLong(), 0);
    }

    /// Reads the header; null when it is absent or anything but 55 characters of that form.
    public static @Nullable TraceParent parse(@Nullable String header) {
        if (header == null
                || header.length() != LENGTH
                || header.charAt(2) != '-'
                || header.charAt(35) != '-'
                || header.charAt(52) != '-') {
            return null;
        }
        for (int i = 0; i < LENGTH; i++) {
            if (i != 2 && i != 35 && i != 52 && Character.digit(header.charAt(i), 16) < 0) {
                return null;
            }
            if (header.charAt(i) > '~') {
                return null;
            }
        }
        return new TraceParent(
                Long.parseUnsignedLong(header, 3, 19, 16),
                Long.parseUnsignedLong(header, 19, 35, 16),
                Long.parseUnsignedLong(header, 36, 52, 16),
                Integer.parseInt(header, 53, 55, 16));
    }

    /// `00-{32 hex}-{16 hex}-{2 hex}`.
    public String write() {
        char[] out = new char[LENGTH];
        hex(out, 0, 2, 0);
        out[2] = '-';
        hex(out, 3, 16, traceHigh);
        hex(out, 19, 16, traceLow);
        out[35] = '-';
        hex(out, 36, 16, spanId);
        out[52] = '-';
        hex(out, 53, 2, flags);
        return new String(out);
    }

    private static void hex(char[] out, int at, int digits, long value) {
        for (int i = 0; i < digits; i++) {
            out[at + i] = HEX[(int) (value >>> (4 * (digits - 1 - i))) & 0xf];
        }
    }
}
