package io.ztunnel.tls;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/// A leaf whose path to a trust anchor holds. Shared by all connections of that peer.
///
/// @param path leaf first, then its issuers in order; without the anchor
/// @param anchor the root that the path ends at
/// @param identities the parsable identities of the leaf, in their order
/// @param validFrom the latest start in the path
/// @param validUntil the earliest end in the path, exclusive
record VerifiedPeer(
        List<X509Certificate> path,
        X509Certificate anchor,
        List<SpiffeId> identities,
        Instant validFrom,
        Instant validUntil) {

    boolean validAt(Instant now) {
        return !now.isBefore(validFrom) && now.isBefore(validUntil);
    }

    /// What authorization and logs go by.
    @Nullable SpiffeId identity() {
        return identities.isEmpty() ? null : identities.getFirst();
    }
}
