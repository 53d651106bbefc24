package io.ztunnel.worker;

import io.ztunnel.observe.Outcome;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.relay.Relay;

import org.jspecify.annotations.Nullable;

/// A connection that stands or is being made, entered in the table of its slice.
///
/// It is its own list node, because a node serves tens of thousands of idle ones.
public abstract class LiveConnection {
    @Nullable LiveConnection before;
    @Nullable LiveConnection after;
    boolean listed;

    // What the sweep saw last.
    long movedBefore = -1;
    long quietSince;
    Relay.@Nullable State stateBefore;

    /// Ends the connection at once.
    public abstract void cut(Cut reason);

    /// Where it came in.
    public abstract Port port();

    /// What carries its bytes; null while it is being made.
    public abstract @Nullable Relay relay();

    /// Bytes that went through so far, both directions together.
    public abstract long moved();

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
        EXPIRED,
        /// Nothing moved for longer than its port allows.
        IDLE("idle", "connection closed: idle for longer than the limit of its port"),
        /// The same, with one direction ended.
        HALF_CLOSED("half_closed", "connection closed: half closed and idle for too long"),
        /// One side is gone and the other one has nothing to say.
        GONE("gone", "connection closed: one side is gone and the other one is silent");

        private final String label;
        private final @Nullable String error;

        Cut() {
            this("", null);
        }

        Cut(String label, @Nullable String error) {
            this.label = label;
            this.error = error;
        }

        String label() {
            return label;
        }

        /// How the record ends; a drain where nothing else is said.
        ///
        /// @param relay what is cut: where one side is gone, how it went says more
        public Outcome outcome(@Nullable Relay relay) {
            String before = this == GONE && relay != null ? relay.error() : null;
            if (before != null) {
                return Outcome.failed(ResponseFlag.CONNECT, before);
            }
            return error == null ? Outcome.drained() : Outcome.reaped(error);
        }
    }

    /// The listeners of a pod that bring connections.
    public enum Port {
        /// 15001.
        OUTBOUND,
        /// 15008.
        TUNNELLED,
        /// 15006.
        PLAINTEXT
    }

    /// One line of the connection lists in `/config_dump` (docs/spec/config-observability-dns.md
    /// 2.3.5).
    public record Row(
            String src, @Nullable String originalDst, String actualDst, String protocol) {}
}
