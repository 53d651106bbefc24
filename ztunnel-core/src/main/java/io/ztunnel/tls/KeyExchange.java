package io.ztunnel.tls;

import java.util.List;

/// Which key-exchange groups are offered and accepted, in order of preference
/// (docs/spec/identity-and-tls.md 5.3).
///
/// Always set explicitly: the library's own default puts the hybrid group first, which doubles the
/// cost of a handshake.
public enum KeyExchange {
    /// The usual curves. A first flight of one packet.
    CLASSIC("X25519", "P-256", "P-384"),
    /// Post-quantum hybrid with peers that know it, the usual curves with all others. The first
    /// flight of a client grows by 1.2 kB.
    HYBRID_FIRST("X25519MLKEM768", "X25519", "P-256", "P-384"),
    /// Post-quantum hybrid or no connection: `COMPLIANCE_POLICY=pqc`.
    PQC_ONLY("X25519MLKEM768");

    private final String colonSeparated;

    KeyExchange(String... groups) {
        this.colonSeparated = String.join(":", groups);
    }

    /// BoringSSL's names.
    public List<String> groups() {
        return List.of(colonSeparated.split(":", -1));
    }
}
