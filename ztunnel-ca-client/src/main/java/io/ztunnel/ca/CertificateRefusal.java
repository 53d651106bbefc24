package io.ztunnel.ca;

import org.jspecify.annotations.Nullable;

/// No usable certificate, and why. Holds no key, token or header value.
///
/// The texts are those of docs/spec/identity-and-tls.md 2.7, since operators and tools read them in
/// the dump and in logs.
public final class CertificateRefusal extends Exception {
    private static final long serialVersionUID = 1L;

    /// Who has to do something.
    public enum Side {
        /// This node: a file, a setting, a clock.
        NODE,
        /// The way between this node and the CA, or a CA that is down.
        CONNECTION,
        /// The CA does not want to sign, or answers with something nobody could use.
        AUTHORITY
    }

    private final Side side;
    private final String remedy;

    public CertificateRefusal(Side side, String text, String remedy, @Nullable Throwable cause) {
        super(text, cause);
        this.side = side;
        this.remedy = remedy;
    }

    /// What went wrong, one line, stable.
    public String text() {
        String text = getMessage();
        return text == null ? "" : text;
    }

    public Side side() {
        return side;
    }

    /// What an operator can do about it, one sentence.
    public String remedy() {
        return remedy;
    }
}
