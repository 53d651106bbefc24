package io.ztunnel.observe;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;

/// Everything telemetry says of a connection, known when it is opened.
///
/// @param sourceIdentity what the source proved or we prove for it; used only with `mutualTls`
/// @param destination the socket address really contacted: outbound the next hop, inbound through a
///     tunnel the accepted address with its port 15008
/// @param hboneAuthority the CONNECT authority, null without a tunnel
/// @param service the intended (outbound) or guessed (inbound) service
/// @param destinationIdentity null to use the identity of the destination's workload
/// @param mutualTls whether the peers proved who they are
public record ConnectionDescription(
        Reporter reporter,
        InetSocketAddress source,
        Party sourceParty,
        @Nullable SpiffeId sourceIdentity,
        InetSocketAddress destination,
        @Nullable String hboneAuthority,
        @Nullable ServiceRef service,
        Party destinationParty,
        @Nullable SpiffeId destinationIdentity,
        boolean mutualTls) {

    @Nullable SpiffeId provenSource() {
        return mutualTls ? sourceIdentity : null;
    }

    @Nullable SpiffeId expectedDestination() {
        return destinationIdentity == null ? destinationParty.identity() : destinationIdentity;
    }

    TrafficKey key() {
        return new TrafficKey(
                reporter,
                sourceParty.named(""),
                provenSource(),
                service,
                destinationParty.named(""),
                expectedDestination(),
                mutualTls);
    }
}
