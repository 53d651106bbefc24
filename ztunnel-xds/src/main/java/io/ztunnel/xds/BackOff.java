package io.ztunnel.xds;

import java.time.Duration;
import java.util.random.RandomGenerator;

/// How long to wait before the next stream: full jitter over a window that doubles with each short
/// stream, so that the nodes of a cluster spread out after a restart of the control plane, and that
/// never shrinks to nothing, whatever the reason of the end.
final class BackOff {
    private final XdsSettings.Reconnect settings;
    private final RandomGenerator dice;
    private Duration window;

    BackOff(XdsSettings.Reconnect settings, RandomGenerator dice) {
        this.settings = settings;
        this.dice = dice;
        this.window = settings.firstWindow();
    }

    /// The delay after a stream that lasted this long since the server began to answer.
    Duration after(Duration lasted) {
        if (lasted.compareTo(settings.stableAfter()) >= 0) {
            window = settings.firstWindow();
        }
        long least = settings.least().toNanos();
        long delay = dice.nextLong(least, Math.max(window.toNanos(), least) + 1);
        Duration doubled = window.multipliedBy(2);
        window =
                doubled.compareTo(settings.largestWindow()) > 0
                        ? settings.largestWindow()
                        : doubled;
        return Duration.ofNanos(delay);
    }
}
