package io.ztunnel.worker;

import org.jspecify.annotations.Nullable;

/// A connection that stands or is being made, entered in the table of its slice.
///
/// It is its own list node, because a node serves tens of thousands of idle ones.
public abstract class LiveConnection {
    @Nullable LiveConnection before;
    @Nullable LiveConnection after;
    boolean listed;

    /// Ends the connection at once.
    public abstract void cut(Cut reason);

    /// How `/config_dump` shows it.
    public abstract Row row();

    /// Why a connection is ended by us.
    public enum Cut {
        /// The drain deadline came, or the pod is gone.
        DRAIN,
        /// A policy no longer allows it.
        POLICY_CHANGE,
        /// The peer's certificate was revoked.
        REVOKED,
        /// A certificate of its tunnel has expired.
        EXPIRED
    }

    /// One line of the connection lists in `/config_dump` (docs/spec/config-observability-dns.md
    /// 2.3.5).
    public record Row(
            String src, @Nullable String originalDst, String actualDst, String protocol) {}
}
