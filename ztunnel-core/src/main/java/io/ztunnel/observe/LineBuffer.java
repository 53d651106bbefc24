package io.ztunnel.observe;

import io.ztunnel.mesh.IpAddress;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A growing byte buffer that log lines and metrics are written into, without a string in between.
///
/// Not safe for two threads. Grows as needed and keeps its size.
final class LineBuffer {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes;
    private int length;

    LineBuffer(int capacity) {
        bytes = new byte[capacity];
    }

    int length() {
        return length;
    }

    void clear() {
        length = 0;
    }

    void truncate(int to) {
        length = to;
    }

    byte[] copy() {
        return Arrays.copyOf(bytes, length);
    }

    byte[] array() {
        return bytes;
    }

    LineBuffer put(char ascii) {
        room(1);
        bytes[length++] = (byte) ascii;
        return this;
    }

    /// Appends text as UTF-8, as it is.
    LineBuffer text(String text) {
        int count = text.length();
        room(3 * count);
        for (int i = 0; i < count; i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                bytes[length++] = (byte) c;
            } else {
                i += wide(text, i, c);
            }
        }
        return this;
    }

    LineBuffer bytes(byte[] from, int offset, int count) {
        room(count);
        System.arraycopy(from, offset, bytes, length, count);
        length += count;
        return this;
    }

    LineBuffer number(long value) {
        room(20);
        if (value < 0) {
            if (value == Long.MIN_VALUE) {
                return text(Long.toString(value));
            }
            bytes[length++] = '-';
            value = -value;
        }
        int digits = 1;
        for (long rest = value / 10; rest > 0; rest /= 10) {
            digits++;
        }
        for (int at = length + digits - 1; at >= length; at--) {
            bytes[at] = (byte) ('0' + value % 10);
            value /= 10;
        }
        length += digits;
        return this;
    }

    /// Appends a number with leading zeros.
    LineBuffer padded(int value, int digits) {
        room(digits);
        for (int at = length + digits - 1; at >= length; at--) {
            bytes[at] = (byte) ('0' + value % 10);
            value /= 10;
        }
        length += digits;
        return this;
    }

    /// `<ip>:<port>`, IPv6 in brackets and compressed, a mapped IPv4 address as IPv4.
    LineBuffer address(InetSocketAddress address) {
        InetAddress ip = address.getAddress();
        if (ip == null) {
            return text(address.getHostString()).put(':').number(address.getPort());
        }
        byte[] raw = ip.getAddress();
        if (raw.length == 4) {
            number(raw[0] & 255).put('.').number(raw[1] & 255).put('.');
            number(raw[2] & 255).put('.').number(raw[3] & 255);
        } else {
            put('[').text(IpAddress.of(raw).toString()).put(']');
        }
        return put(':').number(address.getPort());
    }

    /// Appends text in double quotes the way the plain format quotes strings: backslash escapes,
    /// other control characters as `\\u{1b}`, so that a line stays one line.
    LineBuffer quoted(String text) {
        put('"');
        int count = text.length();
        room(6 * count);
        for (int i = 0; i < count; i++) {
            char c = text.charAt(i);
            if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
                bytes[length++] = (byte) c;
            } else if (!escape(c)) {
                if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
                    text("\\u{").text(Integer.toHexString(c)).put('}');
                } else {
                    i += wide(text, i, c);
                }
            }
        }
        return put('"');
    }

    /// Appends text as a JSON string (RFC 8259).
    LineBuffer json(String text) {
        put('"');
        int count = text.length();
        room(6 * count);
        for (int i = 0; i < count; i++) {
            char c = text.charAt(i);
            if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
                bytes[length++] = (byte) c;
            } else if (!escape(c)) {
                if (c < 0x20 || c == 0x7f) {
                    text("\\u00").put((char) HEX[c >> 4]).put((char) HEX[c & 15]);
                } else {
                    i += wide(text, i, c);
                }
            }
        }
        return put('"');
    }

    /// Appends a metric label value: `\\`, `"` and the line feed escaped (OpenMetrics 1.0).
    LineBuffer label(String value) {
        put('"');
        int count = value.length();
        room(3 * count);
        for (int i = 0; i < count; i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> text("\\\"");
                case '\\' -> text("\\\\");
                case '\n' -> text("\\n");
                default -> {
                    if (c < 0x80) {
                        put(c);
                    } else {
                        room(3);
                        i += wide(value, i, c);
                    }
                }
            }
        }
        return put('"');
    }

    private boolean escape(char c) {
        char letter;
        switch (c) {
            case '"', '\\' -> letter = c;
            case '\n' -> letter = 'n';
            case '\r' -> letter = 'r';
            case '\t' -> letter = 't';
            default -> {
                return false;
            }
        }
        put('\\').put(letter);
        return true;
    }

    /// Appends what is not ASCII.
    ///
    /// @return how many further chars of the text were used up: 1 for a surrogate pair
    private int wide(String text, int at, char c) {
        room(4);
        if (c < 0x800) {
            bytes[length++] = (byte) (0xc0 | (c >> 6));
            bytes[length++] = (byte) (0x80 | (c & 63));
            return 0;
        }
        if (Character.isHighSurrogate(c)
                && at + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(at + 1))) {
            int point = Character.toCodePoint(c, text.charAt(at + 1));
            bytes[length++] = (byte) (0xf0 | (point >> 18));
            bytes[length++] = (byte) (0x80 | ((point >> 12) & 63));
            bytes[length++] = (byte) (0x80 | ((point >> 6) & 63));
            bytes[length++] = (byte) (0x80 | (point & 63));
            return 1;
        }
        if (Character.isSurrogate(c)) {
            bytes[length++] = '?';
            return 0;
        }
        bytes[length++] = (byte) (0xe0 | (c >> 12));
        bytes[length++] = (byte) (0x80 | ((c >> 6) & 63));
        bytes[length++] = (byte) (0x80 | (c & 63));
        return 0;
    }

    private void room(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
    }

    @Override
    public String toString() {
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }
}
