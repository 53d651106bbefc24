package io.ztunnel.observe;

/// Which side of a connection this proxy stands on; the first traffic label
/// (docs/spec/config-observability-dns.md 4.2).
public enum Reporter {
    /// Outbound capture and SOCKS5.
    SOURCE("source", "outbound", 0),
    /// Both inbound listeners, tunnel and plaintext.
    DESTINATION("destination", "inbound", 1);

    private final String label;
    private final String direction;
    private final int cell;

    Reporter(String label, String direction, int cell) {
        this.label = label;
        this.direction = direction;
        this.cell = cell;
    }

    /// Its place among counters kept per reporter.
    int cell() {
        return cell;
    }

    public String label() {
        return label;
    }

    /// The `direction` of an access line.
    public String direction() {
        return direction;
    }
}
