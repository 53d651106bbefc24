package io.ztunnel.tls;

import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.tls.PathValidation.Usage;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;

/// What one connection stands on since its handshake: our certificate and the path of the peer's.
///
/// The path that was validated is kept, so a later revocation is judged against what was accepted,
/// whatever has expired meanwhile (docs/spec/identity-and-tls.md 6.3). Confined to the connection's
/// loop.
final class Credentials {
    /// A tunnel leaves when about this share of the time it may stand has passed, give or take the
    /// spread: peers renew at half of a certificate's lifetime, and not all tunnels of a node shall
    /// be made anew at once.
    private static final double LEAVE_SHARE = 0.85;

    private static final double SPREAD = 0.05;

    /// How long a tunnel goes on once our certificate has been renewed: at least, and up to so much
    /// more.
    private static final Duration AFTER_RENEWAL = Duration.ofMinutes(1);

    private static final Duration RENEWAL_SPREAD = Duration.ofMinutes(4);

    private final HeldCertificate own;
    private final VerifiedPeer peer;
    private final Usage usage;
    private final Instant until;
    private final double dice;
    private Instant leaveAt;
    private boolean superseded;

    /// The lists by which it was judged last.
    private RevocationLists judgedBy;

    Credentials(
            HeldCertificate own,
            VerifiedPeer peer,
            Usage usage,
            RevocationLists judgedBy,
            Instant now,
            RandomGenerator random) {
        this.own = own;
        this.peer = peer;
        this.usage = usage;
        this.judgedBy = judgedBy;
        this.until =
                own.notAfter().isBefore(peer.validUntil()) ? own.notAfter() : peer.validUntil();
        this.dice = random.nextDouble();
        this.leaveAt =
                now.plus(
                        share(Duration.between(now, until), LEAVE_SHARE + SPREAD * (2 * dice - 1)));
    }

    HeldCertificate own() {
        return own;
    }

    VerifiedPeer peer() {
        return peer;
    }

    /// The peer came to us.
    boolean inbound() {
        return usage == Usage.CLIENT;
    }

    /// @param grace how long it may stand after the expiry
    /// @param renewed whether a newer certificate of ours is in use
    Standing standing(RevocationLists lists, Instant now, Duration grace, boolean renewed) {
        PeerRejected revoked = revokedBy(lists);
        if (revoked != null) {
            return new Standing.Ended(new CredentialsEnded(true, revoked.text()));
        }
        if (!now.isBefore(until.plus(grace))) {
            return new Standing.Ended(new CredentialsEnded(false, expiry()));
        }
        if (renewed && !superseded) {
            superseded = true;
            Duration wanted = AFTER_RENEWAL.plus(share(RENEWAL_SPREAD, dice));
            Duration half = Duration.between(now, until).dividedBy(2);
            Instant soon = now.plus(half.compareTo(wanted) < 0 ? half : wanted);
            leaveAt = soon.isBefore(leaveAt) ? soon : leaveAt;
        }
        if (!now.isBefore(leaveAt)) {
            return new Standing.Leaving(superseded ? "our certificate was renewed" : expiry());
        }
        return Standing.FIRM;
    }

    /// Other findings than a revocation, such as a list with a wrong signature, refuse handshakes
    /// and leave what stands alone, as the reference does.
    private @Nullable PeerRejected revokedBy(RevocationLists lists) {
        if (lists == judgedBy) {
            return null;
        }
        PeerRejected found = lists.judge(peer, usage);
        if (found != null && found.reason() == PeerRejected.Reason.REVOKED) {
            return found;
        }
        judgedBy = lists;
        return null;
    }

    private String expiry() {
        return until.equals(own.notAfter())
                ? "our certificate expires at " + until
                : "the peer's certificate expires at " + until;
    }

    private static Duration share(Duration of, double share) {
        return Duration.ofMillis(Math.round(of.toMillis() * share));
    }
}
