package io.ztunnel.route;

import io.ztunnel.mesh.IpAddress;

import org.jspecify.annotations.Nullable;

/// The target of a CONNECT: an address or a host name, always with a port (RFC 9113 section 8.5,
/// docs/spec/dataplane.md 3.3).
public sealed interface Authority {

    /// 0 to 65535.
    int port();

    /// @param mapped whether it was written as an IPv4-mapped IPv6 address; such an authority is
    ///     not the same address as the plain one and matches no connection
    record Address(IpAddress ip, int port, boolean mapped) implements Authority {

        public Address(IpAddress ip, int port) {
            this(ip, port, false);
        }

        @Override
        public String toString() {
            if (mapped) {
                return "[::ffff:" + ip + "]:" + port;
            }
            return ip.isV6() ? "[" + ip + "]:" + port : ip + ":" + port;
        }
    }

    record Host(String name, int port) implements Authority {
        @Override
        public String toString() {
            return name + ":" + port;
        }
    }

    static Authority of(IpAddress ip, int port) {
        return new Address(ip, port);
    }

    /// Reads `a.b.c.d:port`, `[v6]:port` or `host:port`. A user before an `@` is dropped, and what
    /// follows it counts as a host name even if it looks like an address.
    ///
    /// @return null where the text is none of these
    static @Nullable Authority parseOrNull(String text) {
        int at = text.lastIndexOf('@');
        String rest = text.substring(at + 1);
        int colon = rest.lastIndexOf(':');
        if (colon <= 0) {
            return null;
        }
        int port = port(rest, colon + 1);
        String host = rest.substring(0, colon);
        if (port < 0) {
            return null;
        }
        if (host.startsWith("[")) {
            if (!host.endsWith("]")) {
                return null;
            }
            String literal = host.substring(1, host.length() - 1);
            IpAddress ip = literal.indexOf(':') < 0 ? null : IpAddress.parseOrNull(literal);
            if (ip == null) {
                return null;
            }
            return at < 0 ? new Address(ip, port, !ip.isV6()) : new Host(host, port);
        }
        for (int i = 0; i < host.length(); i++) {
            char c = host.charAt(i);
            if (c <= ' ' || c >= 127 || ":/?#[]@\\".indexOf(c) >= 0) {
                return null;
            }
        }
        IpAddress ip = at < 0 ? IpAddress.parseOrNull(host) : null;
        return ip == null ? new Host(host, port) : new Address(ip, port);
    }

    private static int port(String text, int from) {
        int length = text.length() - from;
        if (length < 1 || length > 5) {
            return -1;
        }
        int port = 0;
        for (int i = from; i < text.length(); i++) {
            char digit = text.charAt(i);
            if (digit < '0' || digit > '9') {
                return -1;
            }
            port = port * 10 + digit - '0';
        }
        return port > 0xffff ? -1 : port;
    }
}
