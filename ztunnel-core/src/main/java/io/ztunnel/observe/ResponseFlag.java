package io.ztunnel.observe;

/// How a connection ended, as the label `response_flags` says it
/// (docs/spec/config-observability-dns.md 4.4).
public enum ResponseFlag {
    /// No error, or cut by a drain.
    NONE("-", 0),
    DENY("DENY", 1),
    /// The upstream connect failed, or any error without a flag of its own.
    CONNECT("CONNECT", 2),
    TLS_FAILURE("TLS_FAILURE", 3),
    H2_HANDSHAKE_FAILURE("H2_HANDSHAKE_FAILURE", 4),
    NETWORK_POLICY("NETWORK_POLICY", 5),
    IDENTITY_ERROR("IDENTITY_ERROR", 6),
    CERT_REVOKED("CERT_REVOKED", 7);

    static final int COUNT = values().length;

    private final String label;
    private final int cell;

    ResponseFlag(String label, int cell) {
        this.label = label;
        this.cell = cell;
    }

    /// Its place among the counters of a series, 0 to [#COUNT] exclusive.
    int cell() {
        return cell;
    }

    public String label() {
        return label;
    }
}
