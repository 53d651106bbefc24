package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// What a client can say of itself at one moment, for metrics and the admin page.
///
/// @param stateFor how long the stream has been in its state
/// @param streamsOpened attempts so far
/// @param nextAttemptIn the delay that was drawn last
/// @param lastEnd how the last stream ended, empty before the first end
/// @param terminations ended streams by reason
/// @param unknownTypeResponses responses of a type nobody subscribed to
/// @param types in the order of subscription
/// @param kept of the snapshot on disk; null where none is kept
public record XdsStats(
        StreamState state,
        Duration stateFor,
        long streamsOpened,
        Duration nextAttemptIn,
        String lastEnd,
        Map<StreamEnd.Reason, Long> terminations,
        long unknownTypeResponses,
        List<TypeStats> types,
        @Nullable Kept kept) {

    /// Where the client is between two streams.
    public enum StreamState {
        IDLE,
        CONNECTING,
        STREAMING,
        BACKING_OFF,
        CLOSED
    }

    /// The snapshot that outlives this process.
    ///
    /// @param age since its content was last known to be true; null while there is none
    /// @param restored whether this process began with it
    /// @param refusal why it was not used although there was one, otherwise empty
    public record Kept(@Nullable Duration age, boolean restored, String refusal) {}

    /// @param synced whether a first response was processed
    /// @param responses received so far
    /// @param valueBytes sum of the content sizes received so far
    /// @param nacks responses that were answered with a NACK
    /// @param rejectionsTotal rejections so far
    /// @param rejected whose newest content is not in force, and why, at most 100 of them
    /// @param rejectedCount how many there are
    /// @param resources names held
    /// @param sinceLastResponse age of the newest response; of the client itself before the first
    /// @param sweeps reconnects that claimed nothing because the claim would have been too large
    /// @param pendingLookups keys somebody waits for
    public record TypeStats(
            String typeUrl,
            boolean synced,
            long responses,
            long valueBytes,
            long nacks,
            long rejectionsTotal,
            List<Rejection> rejected,
            int rejectedCount,
            int resources,
            Duration sinceLastResponse,
            long sweeps,
            int pendingLookups) {}
}
