package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// How it stands with the control plane, for a scrape. Times are points of `System.nanoTime`, so
/// that ages are right whenever somebody asks, also while nothing moves.
///
/// @param connected whether a stream is up on which the control plane has begun to answer
/// @param sinceNanos since when this is so
/// @param streams attempts so far, the first included
/// @param snapshotNanos when the kept state was last known to be true; null where there is none
public record ControlPlaneFacts(
        boolean connected,
        long sinceNanos,
        long streams,
        List<OfType> types,
        @Nullable Long snapshotNanos) {

    /// @param respondedNanos when the newest response came; before the first, when the daemon began
    ///     to ask
    /// @param resources in force
    /// @param rejected resources whose newest content was refused
    /// @param nacks responses answered with a NACK so far
    public record OfType(
            String typeUrl, long respondedNanos, long resources, long rejected, long nacks) {}
}
