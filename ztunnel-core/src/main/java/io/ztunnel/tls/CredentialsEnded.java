package io.ztunnel.tls;

/// The certificates of a tunnel no longer carry it. What its streams are told as the cause.
///
/// Without a stack trace: one list can end thousands of tunnels.
public final class CredentialsEnded extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean revoked;
    private final String detail;

    CredentialsEnded(boolean revoked, String detail) {
        super(
                revoked
                        ? "connection closed: peer certificate revoked by CRL"
                        : "connection closed: certificate expired",
                null,
                false,
                false);
        this.revoked = revoked;
        this.detail = detail;
    }

    /// A revocation; otherwise an expiry.
    public boolean revoked() {
        return revoked;
    }

    /// Which certificate, for the log.
    public String detail() {
        return detail;
    }
}
