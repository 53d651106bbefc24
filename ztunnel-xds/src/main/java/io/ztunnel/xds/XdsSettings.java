package io.ztunnel.xds;

import java.time.Duration;

/// How a [DeltaClient] behaves.
///
/// @param reconnect when to try again
/// @param largestClaimBytes up to this size a reconnect claims the versions it holds; above it the
///     first answer is taken as the complete picture and the rest is swept. A server refuses
///     requests above its own limit (istiod: 4 MiB), which would end every stream
/// @param answerWithin how long a new stream may stay without the beginning of an answer; the
///     control plane always answers the first request
/// @param lookups limits of on-demand lookups
public record XdsSettings(
        Reconnect reconnect, int largestClaimBytes, Duration answerWithin, Lookups lookups) {

    /// @param least no reconnect is faster than this
    /// @param firstWindow the first delay is drawn from between `least` and this
    /// @param largestWindow where doubling stops
    /// @param stableAfter a stream that lasted this long starts again from `firstWindow`
    public record Reconnect(
            Duration least, Duration firstWindow, Duration largestWindow, Duration stableAfter) {
        public Reconnect {
            if (least.isNegative() || least.isZero() || largestWindow.compareTo(least) < 0) {
                throw new IllegalArgumentException("the least delay must be positive and least");
            }
        }
    }

    /// @param timeout how long a lookup waits for its answer
    /// @param absentFor how long "does not exist" is believed before it is asked again
    /// @param mostAbsent how many unknown keys stay subscribed; the oldest give way
    public record Lookups(Duration timeout, Duration absentFor, int mostAbsent) {}

    /// Reconnects within 10 ms to 15 s, claims up to 3.5 MiB, a minute for the first answer.
    public static XdsSettings defaults() {
        return new XdsSettings(
                new Reconnect(
                        Duration.ofMillis(10),
                        Duration.ofMillis(200),
                        Duration.ofSeconds(15),
                        Duration.ofMinutes(1)),
                7 << 19,
                Duration.ofMinutes(1),
                new Lookups(Duration.ofSeconds(5), Duration.ofSeconds(10), 10_000));
    }
}
