package io.ztunnel.worker;

import java.time.Duration;

/// How long a connection may stay on which nothing moves. Zero is for ever, as by default: only
/// what is provably dead is ended without being asked to (docs/spec/dataplane.md 7).
///
/// @param outbound from the pod, port 15001
/// @param tunnelled arrived in a tunnel, port 15008
/// @param plaintext arrived plain, port 15006
/// @param halfClosed any of them, once one direction has ended
/// @param gone any of them, once one side is gone altogether, so that no byte can arrive there
public record IdleLimits(
        Duration outbound,
        Duration tunnelled,
        Duration plaintext,
        Duration halfClosed,
        Duration gone) {

    /// How often connections are looked at: a limit is exceeded by at most a quarter, or 10 s.
    Duration period() {
        Duration shortest = Duration.ofSeconds(40);
        for (Duration each : new Duration[] {outbound, tunnelled, plaintext, halfClosed, gone}) {
            if (!each.isZero() && each.compareTo(shortest) < 0) {
                shortest = each;
            }
        }
        Duration period = shortest.dividedBy(4);
        return period.compareTo(Duration.ofMillis(100)) < 0 ? Duration.ofMillis(100) : period;
    }

    Duration of(LiveConnection.Port port) {
        return switch (port) {
            case OUTBOUND -> outbound;
            case TUNNELLED -> tunnelled;
            case PLAINTEXT -> plaintext;
        };
    }
}
