package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.UnknownHostException;

/// An IPv4 or IPv6 address as a small value: half the size of an [InetAddress], compared and hashed
/// without indirection, because a mesh holds hundreds of thousands of them.
///
/// IPv4-mapped IPv6 addresses become IPv4 on the way in, scope ids are dropped ("canonical" in
/// docs/spec/dataplane.md).
public final class IpAddress implements Comparable<IpAddress> {
    private final long high;
    private final long low;
    private final boolean v6;

    private IpAddress(long high, long low, boolean v6) {
        this.high = high;
        this.low = low;
        this.v6 = v6;
    }

    /// Takes 4 or 16 bytes in network order.
    ///
    /// @throws IllegalArgumentException for any other length
    public static IpAddress of(byte[] bytes) {
        if (bytes.length == 4) {
            return new IpAddress(0, bits(bytes, 0, 4), false);
        }
        if (bytes.length != 16) {
            throw new IllegalArgumentException(
                    "an IP address has 4 or 16 bytes, not " + bytes.length);
        }
        long high = bits(bytes, 0, 8);
        long low = bits(bytes, 8, 8);
        if (high == 0 && (low >>> 32) == 0xffff) {
            return new IpAddress(0, low & 0xffff_ffffL, false);
        }
        return new IpAddress(high, low, true);
    }

    /// An IPv4 address from its 32 bits.
    public static IpAddress v4(int bits) {
        return new IpAddress(0, bits & 0xffff_ffffL, false);
    }

    /// An IPv6 address from its 128 bits, as it is: even a mapped one stays IPv6.
    static IpAddress v6(long high, long low) {
        return new IpAddress(high, low, true);
    }

    public static IpAddress of(InetAddress address) {
        return of(address.getAddress());
    }

    /// Reads an address literal; names are never looked up.
    ///
    /// @throws IllegalArgumentException naming the text
    public static IpAddress parse(String literal) {
        IpAddress address = parseOrNull(literal);
        if (address == null) {
            throw new IllegalArgumentException("not an IP address: " + literal);
        }
        return address;
    }

    /// Reads an address literal; a shortened IPv4 form such as `10.1`, a leading zero, a scope id
    /// or brackets make it no address.
    public static @Nullable IpAddress parseOrNull(String literal) {
        if (literal.indexOf(':') < 0) {
            return dottedOrNull(literal);
        }
        if (literal.indexOf('%') >= 0 || literal.startsWith("[")) {
            return null;
        }
        try {
            return of(InetAddress.ofLiteral(literal));
        } catch (IllegalArgumentException notAnAddress) {
            return null;
        }
    }

    private static @Nullable IpAddress dottedOrNull(String text) {
        int bits = 0;
        int at = 0;
        for (int part = 0; part < 4; part++) {
            int value = 0;
            int from = at;
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                value = value * 10 + text.charAt(at++) - '0';
                if (at - from > 3) {
                    return null;
                }
            }
            boolean dotted = part == 3 ? at == text.length() : at < text.length();
            if (at == from
                    || value > 255
                    || (at - from > 1 && text.charAt(from) == '0')
                    || !dotted
                    || (part < 3 && text.charAt(at++) != '.')) {
                return null;
            }
            bits = bits << 8 | value;
        }
        return v4(bits);
    }

    public boolean isV6() {
        return v6;
    }

    public boolean isLoopback() {
        return v6 ? high == 0 && low == 1 : (low >>> 24) == 127;
    }

    /// The upper 64 bits of an IPv6 address, 0 for IPv4.
    public long high() {
        return high;
    }

    /// The lower 64 bits of an IPv6 address, or the 32 bits of an IPv4 address.
    public long low() {
        return low;
    }

    /// 4 or 16 bytes in network order.
    public byte[] bytes() {
        byte[] bytes = new byte[v6 ? 16 : 4];
        if (v6) {
            for (int i = 0; i < 8; i++) {
                bytes[i] = (byte) (high >>> (56 - 8 * i));
                bytes[8 + i] = (byte) (low >>> (56 - 8 * i));
            }
        } else {
            for (int i = 0; i < 4; i++) {
                bytes[i] = (byte) (low >>> (24 - 8 * i));
            }
        }
        return bytes;
    }

    public InetAddress toInetAddress() {
        try {
            return InetAddress.getByAddress(bytes());
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("the length is always legal", impossible);
        }
    }

    private static long bits(byte[] bytes, int from, int count) {
        long bits = 0;
        for (int i = from; i < from + count; i++) {
            bits = bits << 8 | (bytes[i] & 0xff);
        }
        return bits;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof IpAddress that
                && high == that.high
                && low == that.low
                && v6 == that.v6;
    }

    @Override
    public int hashCode() {
        long mixed = (high * 0x9e37_79b9_7f4a_7c15L) ^ (low * 0xc2b2_ae3d_27d4_eb4fL);
        return (int) (mixed ^ (mixed >>> 32));
    }

    @Override
    public int compareTo(IpAddress other) {
        if (v6 != other.v6) {
            return v6 ? 1 : -1;
        }
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }

    /// Dotted IPv4, or IPv6 in the compressed lower-case form of RFC 5952, without brackets.
    @Override
    public String toString() {
        if (!v6) {
            return (low >>> 24)
                    + "."
                    + (low >>> 16 & 255)
                    + "."
                    + (low >>> 8 & 255)
                    + "."
                    + (low & 255);
        }
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (int) ((i < 4 ? high >>> (48 - 16 * i) : low >>> (112 - 16 * i)) & 0xffff);
        }
        int longest = -1;
        int length = 1;
        for (int from = 0; from < 8; from++) {
            int to = from;
            while (to < 8 && groups[to] == 0) {
                to++;
            }
            if (to - from > length) {
                longest = from;
                length = to - from;
            }
        }
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == longest) {
                text.append("::");
                i += length - 1;
                continue;
            }
            if (i > 0 && i != longest + length) {
                text.append(':');
            }
            text.append(Integer.toHexString(groups[i]));
        }
        return text.toString();
    }
}
