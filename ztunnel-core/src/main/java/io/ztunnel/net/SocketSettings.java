package io.ztunnel.net;

import java.time.Duration;

/// What every TCP socket of a pod gets (docs/spec/dataplane.md 9.1).
///
/// @param mark packet mark that exempts our own packets from redirection, 0 for none
/// @param keepAlive whether an idle connection is probed; the next three apply only then
/// @param keepAliveIdle silence before the first probe, whole seconds, at least one
/// @param keepAliveInterval time between probes, whole seconds, at least one
/// @param keepAliveRetries unanswered probes until the connection is given up, 1 to 127
/// @param userTimeout whether unacknowledged data ends the connection after [#userTimeoutMillis]
public record SocketSettings(
        int mark,
        boolean keepAlive,
        Duration keepAliveIdle,
        Duration keepAliveInterval,
        int keepAliveRetries,
        boolean userTimeout) {

    /// Unmarked, probed after 3 minutes, nine times 3 minutes apart, without user timeout.
    public static final SocketSettings DEFAULTS =
            new SocketSettings(0, true, Duration.ofMinutes(3), Duration.ofMinutes(3), 9, false);

    public SocketSettings {
        if (mark < 0) {
            throw new IllegalArgumentException("mark must not be negative: " + mark);
        }
        if (keepAliveIdle.toSeconds() < 1 || keepAliveInterval.toSeconds() < 1) {
            throw new IllegalArgumentException("keep-alive times must be one second or more");
        }
        if (keepAliveRetries < 1 || keepAliveRetries > 127) {
            throw new IllegalArgumentException(
                    "keep-alive retries must be 1 to 127: " + keepAliveRetries);
        }
    }

    public SocketSettings withMark(int packetMark) {
        return new SocketSettings(
                packetMark,
                keepAlive,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveRetries,
                userTimeout);
    }

    /// How long sent data may stay unacknowledged: as long as all probes would take.
    public int userTimeoutMillis() {
        Duration total = keepAliveIdle.plus(keepAliveInterval.multipliedBy(keepAliveRetries));
        return (int) Math.min(Integer.MAX_VALUE, total.toMillis());
    }
}
