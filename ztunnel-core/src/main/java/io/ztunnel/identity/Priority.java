package io.ztunnel.identity;

/// Who is asking; the later ones go first (docs/spec/identity-and-tls.md 3.2).
public enum Priority {
    /// A renewal, or a retry nobody waits for.
    BACKGROUND,
    /// A pod is there and will need it.
    WARMUP,
    /// A connection is waiting.
    REALTIME
}
