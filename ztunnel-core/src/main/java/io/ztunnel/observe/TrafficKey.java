package io.ztunnel.observe;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

/// What tells one traffic label set from another. The parties carry no pod name: labels have none,
/// and with it every pod would be a series.
record TrafficKey(
        Reporter reporter,
        Party source,
        @Nullable SpiffeId sourcePrincipal,
        @Nullable ServiceRef service,
        Party destination,
        @Nullable SpiffeId destinationPrincipal,
        boolean mutualTls) {

    /// Where connections are counted once a worker holds too many label sets.
    static TrafficKey overflow(Reporter reporter) {
        Party other =
                new Party("", "other", "other", "other", "other", "other", null, "other", "other");
        return new TrafficKey(reporter, other, null, null, other, null, false);
    }
}
