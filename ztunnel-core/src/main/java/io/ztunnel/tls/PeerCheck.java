package io.ztunnel.tls;

import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.tls.PathValidation.Usage;
import io.ztunnel.tls.PeerRejected.Reason;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

/// What one connection expects of its peer, and what came of it. Owned by the connection's loop.
///
/// The rules are those of docs/spec/identity-and-tls.md 5.5. A server asks for its own trust
/// domain; a client for one of the identities it wants to reach, so an empty list lets nobody pass.
final class PeerCheck {
    private final @Nullable String trustDomain;
    private final @Nullable List<SpiffeId> expected;
    private final HeldCertificate own;
    private @Nullable Credentials credentials;
    private @Nullable PeerRejected rejected;

    private PeerCheck(
            HeldCertificate own, @Nullable String trustDomain, @Nullable List<SpiffeId> expected) {
        this.own = own;
        this.trustDomain = trustDomain;
        this.expected = expected;
    }

    /// A client of our own trust domain.
    static PeerCheck ofTrustDomain(HeldCertificate own) {
        return new PeerCheck(own, own.identity().trustDomain(), null);
    }

    static PeerCheck anyOf(HeldCertificate own, List<SpiffeId> expected) {
        return new PeerCheck(own, null, expected);
    }

    /// Judges a peer whose path holds.
    ///
    /// @param lists by which the path was found to be unrevoked
    void accept(VerifiedPeer verified, Usage usage, RevocationLists lists, Instant now)
            throws PeerRejected {
        judge(verified);
        credentials =
                new Credentials(own, verified, usage, lists, now, ThreadLocalRandom.current());
    }

    private void judge(VerifiedPeer verified) throws PeerRejected {
        List<SpiffeId> identities = verified.identities();
        if (trustDomain != null) {
            for (int i = 0; i < identities.size(); i++) {
                if (identities.get(i).trustDomain().equals(trustDomain)) {
                    return;
                }
            }
            throw mismatch("trustdomain", trustDomain, identities);
        }
        List<SpiffeId> wanted = expected == null ? List.of() : expected;
        for (int i = 0; i < identities.size(); i++) {
            if (wanted.contains(identities.get(i))) {
                return;
            }
        }
        throw mismatch("SAN", text(wanted), identities);
    }

    void reject(PeerRejected why) {
        rejected = why;
    }

    /// Null until the peer was accepted.
    @Nullable Credentials credentials() {
        return credentials;
    }

    @Nullable PeerRejected rejected() {
        return rejected;
    }

    private static PeerRejected mismatch(String what, String wanted, List<SpiffeId> got) {
        return new PeerRejected(
                Reason.WRONG_IDENTITY,
                "identity verification error: peer did not present the expected "
                        + what
                        + " ("
                        + wanted
                        + "), got "
                        + text(got));
    }

    private static String text(List<SpiffeId> identities) {
        return identities.stream().map(SpiffeId::toString).collect(Collectors.joining(","));
    }
}
