package io.ztunnel.policy;

import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.StringMatch;

/// Compares a matcher with the principal of an identity, `<trust domain>/ns/<ns>/sa/<account>`,
/// without building that text.
final class PrincipalText {
    private static final String NS = "/ns/";
    private static final String SA = "/sa/";

    private PrincipalText() {}

    static boolean matches(StringMatch matcher, SpiffeId identity) {
        return switch (matcher) {
            case StringMatch.Exact(var text) ->
                    text.length() == length(identity) && isAt(text, 0, identity, 0);
            case StringMatch.Prefix(var text) ->
                    text.length() <= length(identity) && isAt(text, 0, identity, 0);
            case StringMatch.Suffix(var text) -> {
                int from = length(identity) - text.length();
                yield from >= 0 && isAt(text, 0, identity, from);
            }
            case StringMatch.Presence _ -> true;
        };
    }

    /// A hash equal to that of the text, so that a map keyed by texts can be asked.
    static int hash(SpiffeId identity) {
        int hash = 0;
        for (int part = 0; part < 5; part++) {
            String text = part(identity, part);
            hash = hash * power(text.length()) + text.hashCode();
        }
        return hash;
    }

    private static int power(int exponent) {
        int result = 1;
        int base = 31;
        for (int rest = exponent; rest > 0; rest >>= 1) {
            if ((rest & 1) != 0) {
                result *= base;
            }
            base *= base;
        }
        return result;
    }

    static int length(SpiffeId identity) {
        return identity.trustDomain().length()
                + NS.length()
                + identity.namespace().length()
                + SA.length()
                + identity.serviceAccount().length();
    }

    /// Whether the whole of `text` from an index on is found in the principal at `from`.
    private static boolean isAt(String text, int index, SpiffeId identity, int from) {
        int at = index;
        int skip = from;
        for (int part = 0; part < 5 && at < text.length(); part++) {
            String piece = part(identity, part);
            if (skip >= piece.length()) {
                skip -= piece.length();
                continue;
            }
            int length = Math.min(piece.length() - skip, text.length() - at);
            if (!text.regionMatches(at, piece, skip, length)) {
                return false;
            }
            at += length;
            skip = 0;
        }
        return at == text.length();
    }

    private static String part(SpiffeId identity, int part) {
        return switch (part) {
            case 0 -> identity.trustDomain();
            case 1 -> NS;
            case 2 -> identity.namespace();
            case 3 -> SA;
            default -> identity.serviceAccount();
        };
    }
}
