package io.ztunnel.dns;

import io.ztunnel.mesh.IpAddress;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// Names that mean the same everywhere, so no server is asked for them (RFC 6761, RFC 7686;
/// docs/spec/config-observability-dns.md 6.7). Any thread.
final class SpecialNames {
    /// Seconds; it never changes.
    static final int TTL = 86_400;

    static final String LOCALHOST = "localhost";

    private static final int PTR = 12;
    private static final String LOOPBACK_V4 = "127.in-addr.arpa";
    private static final String LOOPBACK_V6 = "1." + "0.".repeat(31) + "ip6.arpa";
    private static final IpAddress V4 = IpAddress.parse("127.0.0.1");
    private static final IpAddress V6 = IpAddress.parse("::1");

    private SpecialNames() {}

    /// What such a name stands for.
    ///
    /// @param exists false: there is no such name
    /// @param addresses of the family asked for
    /// @param isLocalhost whether it is an address whose name is asked for, which is `localhost`
    record Meaning(boolean exists, List<IpAddress> addresses, boolean isLocalhost) {
        private static final Meaning NOTHING = new Meaning(true, List.of(), false);
        private static final Meaning ABSENT = new Meaning(false, List.of(), false);
        private static final Meaning NAME = new Meaning(true, List.of(), true);

        boolean isEmpty() {
            return addresses.isEmpty() && !isLocalhost;
        }
    }

    /// @return null where a server has to be asked
    static @Nullable Meaning of(Query.Question asked) {
        String name = asked.name();
        if (isWithin(name, LOCALHOST)) {
            return switch (asked.type()) {
                case Query.Question.A -> new Meaning(true, List.of(V4), false);
                case Query.Question.AAAA -> new Meaning(true, List.of(V6), false);
                default -> Meaning.NOTHING;
            };
        }
        if (isWithin(name, LOOPBACK_V4) || name.equals(LOOPBACK_V6)) {
            return asked.type() == PTR ? Meaning.NAME : Meaning.NOTHING;
        }
        return isWithin(name, "invalid") || isWithin(name, "onion") ? Meaning.ABSENT : null;
    }

    private static boolean isWithin(String name, String zone) {
        return name.equals(zone)
                || (name.endsWith(zone) && name.charAt(name.length() - zone.length() - 1) == '.');
    }
}
