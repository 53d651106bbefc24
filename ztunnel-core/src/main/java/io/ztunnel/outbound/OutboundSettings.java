package io.ztunnel.outbound;

import java.time.Duration;
import java.util.Set;

/// @param network the network of this node, empty for the default one
/// @param illegalPorts our own ports: a loopback destination with one of them is a call to
///     ourselves
/// @param retry what happens where an endpoint cannot be reached
public record OutboundSettings(String network, Set<Integer> illegalPorts, Retry retry) {

    /// How another endpoint is tried where one fails before a byte was sent
    /// (docs/spec/dataplane.md 2.8).
    ///
    /// @param attempts endpoints that a connection tries at most, the first included; 1 switches
    ///     trying others off
    /// @param window after this long no other endpoint is tried any more
    /// @param attemptTimeout where another endpoint is left, one that has not answered by then is
    ///     given up; zero gives nobody up
    /// @param avoid for about how long an endpoint that failed is avoided; zero switches it off
    public record Retry(int attempts, Duration window, Duration attemptTimeout, Duration avoid) {
        public static final Retry DEFAULT =
                new Retry(3, Duration.ofSeconds(10), Duration.ofSeconds(4), Duration.ofSeconds(5));
    }
}
