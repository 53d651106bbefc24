package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.Allowance;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;

/// How much a peer may make us do for nothing. Beyond, the tunnel ends with ENHANCE_YOUR_CALM.
final class Tolerance {

    /// Frames of a peer per DATA frame of ours that may be WINDOW_UPDATE; more invite themselves.
    private static final int UPDATES_PER_DATA_FRAME = 8;

    private final Allowance control;
    private final Allowance windowUpdates;
    private final Allowance streamErrors;
    private long invitedBy;

    /// @param burst frames without purpose at once
    Tolerance(int burst, long now) {
        control = new Allowance(burst, 200, now);
        windowUpdates = new Allowance(2 * burst, 1000, now);
        streamErrors = new Allowance(burst, 50, now);
    }

    /// A frame that moves nothing: PING, SETTINGS, empty DATA.
    void frame(long now) throws ConnectionError {
        if (!control.take(now)) {
            throw calm("too many frames without purpose");
        }
    }

    void windowUpdate(long now) throws ConnectionError {
        if (!windowUpdates.take(now)) {
            throw calm("too many WINDOW_UPDATE frames");
        }
    }

    void streamError(long now) throws ConnectionError {
        if (!streamErrors.take(now)) {
            throw calm("too many stream errors");
        }
    }

    /// Our DATA invites WINDOW_UPDATE frames.
    ///
    /// @param frames how many DATA frames have gone out so far
    void sent(long frames) {
        if (frames != invitedBy) {
            windowUpdates.grant(
                    (int) Math.min(1_000_000, (frames - invitedBy) * UPDATES_PER_DATA_FRAME));
            invitedBy = frames;
        }
    }

    private static ConnectionError calm(String message) {
        return new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, message);
    }
}
