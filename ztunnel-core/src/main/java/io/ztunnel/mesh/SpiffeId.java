package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

/// Who a workload is: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
///
/// Compared byte for byte; no component is validated, lower-cased or unescaped, and each may be
/// empty (docs/spec/identity-and-tls.md 1.1, rows E1 to E8).
public record SpiffeId(String trustDomain, String namespace, String serviceAccount)
        implements Comparable<SpiffeId> {

    private static final String SCHEME = "spiffe://";

    /// Reads the text form.
    ///
    /// @throws IllegalArgumentException `invalid spiffe identity: <text>`
    public static SpiffeId parse(String text) {
        SpiffeId id = parseOrNull(text);
        if (id == null) {
            throw new IllegalArgumentException("invalid spiffe identity: " + text);
        }
        return id;
    }

    /// Reads the text form; null where the text is no identity.
    public static @Nullable SpiffeId parseOrNull(String text) {
        if (!text.startsWith(SCHEME)) {
            return null;
        }
        String[] parts = text.substring(SCHEME.length()).split("/", -1);
        if (parts.length != 5 || !parts[1].equals("ns") || !parts[3].equals("sa")) {
            return null;
        }
        return new SpiffeId(parts[0], parts[2], parts[4]);
    }

    /// The identity without its scheme, the form that policy principals are compared with.
    public String principal() {
        return trustDomain + "/ns/" + namespace + "/sa/" + serviceAccount;
    }

    @Override
    public int compareTo(SpiffeId other) {
        return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
        return SCHEME + principal();
    }
}
