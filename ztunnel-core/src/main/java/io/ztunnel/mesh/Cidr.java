package io.ztunnel.mesh;

/// A range of addresses of one family. Host bits of the base are ignored in comparisons.
///
/// @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
public record Cidr(IpAddress base, int prefixLength) {

    public Cidr {
        if (prefixLength < 0 || prefixLength > (base.isV6() ? 128 : 32)) {
            throw new IllegalArgumentException(
                    "prefix length " + prefixLength + " does not fit " + base);
        }
    }

    /// Reads `<ip>/<length>`; the length is mandatory.
    ///
    /// @throws IllegalArgumentException naming the text
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        try {
            if (slash > 0) {
                return new Cidr(
                        IpAddress.parse(text.substring(0, slash)),
                        Integer.parseInt(text.substring(slash + 1)));
            }
        } catch (IllegalArgumentException malformed) {
            throw new IllegalArgumentException("not a CIDR range: " + text, malformed);
        }
        throw new IllegalArgumentException(
                "not a CIDR range: " + text + " (write <ip>/<prefix length>)");
    }

    public boolean contains(IpAddress address) {
        if (address.isV6() != base.isV6()) {
            return false;
        }
        if (!base.isV6()) {
            return same(base.low() << 32, address.low() << 32, prefixLength);
        }
        return same(base.high(), address.high(), Math.min(prefixLength, 64))
                && same(base.low(), address.low(), Math.max(prefixLength - 64, 0));
    }

    /// The same range with all host bits zero; equal ranges are then equal records.
    public Cidr masked() {
        if (!base.isV6()) {
            long mask = prefixLength == 0 ? 0 : -1L << (32 - prefixLength);
            return new Cidr(IpAddress.v4((int) (base.low() & mask)), prefixLength);
        }
        long high = prefixLength == 0 ? 0 : -1L << (64 - Math.min(prefixLength, 64));
        long low = prefixLength <= 64 ? 0 : -1L << (128 - prefixLength);
        return new Cidr(IpAddress.v6(base.high() & high, base.low() & low), prefixLength);
    }

    private static boolean same(long left, long right, int bits) {
        return bits == 0 || (left ^ right) >>> (64 - bits) == 0;
    }

    @Override
    public String toString() {
        return base + "/" + prefixLength;
    }
}
