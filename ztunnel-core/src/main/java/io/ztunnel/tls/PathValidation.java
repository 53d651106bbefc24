package io.ztunnel.tls;

import io.ztunnel.tls.PeerRejected.Reason;

import org.jspecify.annotations.Nullable;

import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXReason;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;

/// From what a peer presented to a path that reaches an anchor (docs/spec/identity-and-tls.md 5.5).
///
/// Paths are found here by names alone and each is then checked by the JDK's validator (RFC 5280
/// section 6): signatures, dates, CA flags, path lengths, name constraints, critical extensions.
/// Own search, because the validator wants the certificates in order and peers may present them in
/// any; own check of the extended key usage, which the validator leaves to its caller.
/// Revocation is a matter of each path, so a peer with another path to an anchor is not lost.
///
/// Pure; safe on any thread.
final class PathValidation {
    /// Issuers between leaf and anchor.
    static final int MAX_INTERMEDIATES = 6;

    /// Work that one peer can cause: paths tried, each of at most seven signatures.
    private static final int MAX_PATHS = 14;

    enum Usage {
        /// The peer is a client.
        CLIENT("1.3.6.1.5.5.7.3.2"),
        /// The peer is a server.
        SERVER("1.3.6.1.5.5.7.3.1");

        private final String oid;

        Usage(String oid) {
            this.oid = oid;
        }
    }

    private final List<X509Certificate> presented;
    private final List<X509Certificate> anchors;
    private final Usage usage;
    private final Instant now;
    private final RevocationLists revocations;
    private int pathsTried;
    private @Nullable PeerRejected failure;

    private PathValidation(
            List<X509Certificate> presented,
            List<X509Certificate> anchors,
            Usage usage,
            Instant now,
            RevocationLists revocations) {
        this.presented = presented;
        this.anchors = anchors;
        this.usage = usage;
        this.now = now;
        this.revocations = revocations;
    }

    /// @param presented leaf first, the rest in any order, needless ones among them
    static VerifiedPeer validate(
            List<X509Certificate> presented,
            List<X509Certificate> anchors,
            Usage usage,
            Instant now,
            RevocationLists revocations)
            throws PeerRejected {
        if (presented.isEmpty()) {
            throw new PeerRejected(Reason.MALFORMED, "no certificate presented");
        }
        return new PathValidation(presented, anchors, usage, now, revocations).search();
    }

    private VerifiedPeer search() throws PeerRejected {
        X509Certificate leaf = presented.getFirst();
        checkDates(leaf);
        checkPurpose(leaf);
        if (leaf.getBasicConstraints() >= 0) {
            throw new PeerRejected(Reason.BAD_PATH, "a CA certificate was used as a leaf");
        }
        VerifiedPeer found = extend(new ArrayList<>(List.of(leaf)));
        if (found != null) {
            return found;
        }
        PeerRejected why = failure;
        throw why != null
                ? why
                : new PeerRejected(
                        Reason.UNKNOWN_ISSUER, "certificate does not chain to a trusted root");
    }

    /// Depth first: anchors before intermediates, so that a short path wins.
    private @Nullable VerifiedPeer extend(List<X509Certificate> path) {
        X509Certificate last = path.getLast();
        for (X509Certificate anchor : anchors) {
            if (anchor.getSubjectX500Principal().equals(last.getIssuerX500Principal())) {
                VerifiedPeer found = check(path, anchor);
                if (found != null) {
                    return found;
                }
            }
        }
        if (path.size() > MAX_INTERMEDIATES) {
            return null;
        }
        for (X509Certificate candidate : presented.subList(1, presented.size())) {
            if (pathsTried >= MAX_PATHS) {
                return null;
            }
            if (candidate.getSubjectX500Principal().equals(last.getIssuerX500Principal())
                    && !path.contains(candidate)) {
                path.add(candidate);
                VerifiedPeer found = extend(path);
                path.removeLast();
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }

    private @Nullable VerifiedPeer check(List<X509Certificate> path, X509Certificate anchor) {
        if (pathsTried++ >= MAX_PATHS) {
            return null;
        }
        try {
            for (X509Certificate issuer : path.subList(1, path.size())) {
                checkDates(issuer);
                checkPurpose(issuer);
            }
            var parameters = new PKIXParameters(Set.of(new TrustAnchor(anchor, null)));
            parameters.setRevocationEnabled(false);
            parameters.setDate(Date.from(now));
            CertPathValidator.getInstance("PKIX")
                    .validate(
                            CertificateFactory.getInstance("X.509").generateCertPath(path),
                            parameters);
            VerifiedPeer found = verified(List.copyOf(path), anchor);
            PeerRejected no = revocations.judge(found, usage);
            if (no == null) {
                return found;
            }
            remember(no);
        } catch (CertPathValidatorException e) {
            remember(new PeerRejected(reason(e), String.valueOf(e.getMessage()), e));
        } catch (GeneralSecurityException e) {
            remember(new PeerRejected(Reason.BAD_PATH, String.valueOf(e.getMessage()), e));
        } catch (PeerRejected e) {
            remember(e);
        }
        return null;
    }

    private void remember(PeerRejected why) {
        if (failure == null) {
            failure = why;
        }
    }

    private VerifiedPeer verified(List<X509Certificate> path, X509Certificate anchor)
            throws PeerRejected {
        Instant from = Instant.MIN;
        Instant until = Instant.MAX;
        for (X509Certificate certificate : path) {
            Instant start = certificate.getNotBefore().toInstant();
            Instant end = certificate.getNotAfter().toInstant();
            from = start.isAfter(from) ? start : from;
            until = end.isBefore(until) ? end : until;
        }
        return new VerifiedPeer(path, anchor, LeafNames.identities(path.getFirst()), from, until);
    }

    private void checkDates(X509Certificate certificate) throws PeerRejected {
        Instant end = certificate.getNotAfter().toInstant();
        if (now.isAfter(end)) {
            throw new PeerRejected(Reason.EXPIRED, "certificate expired at " + end);
        }
        Instant start = certificate.getNotBefore().toInstant();
        if (now.isBefore(start)) {
            throw new PeerRejected(
                    Reason.NOT_YET_VALID, "certificate is not valid before " + start);
        }
    }

    private void checkPurpose(X509Certificate certificate) throws PeerRejected {
        try {
            List<String> purposes = certificate.getExtendedKeyUsage();
            if (purposes != null && !purposes.contains(usage.oid)) {
                throw new PeerRejected(
                        Reason.WRONG_PURPOSE, "certificate is not for use as a " + usage);
            }
        } catch (CertificateParsingException e) {
            throw new PeerRejected(Reason.MALFORMED, "extended key usage does not parse", e);
        }
    }

    private Reason reason(CertPathValidatorException e) {
        CertPathValidatorException.Reason reason = e.getReason();
        if (reason == BasicReason.EXPIRED) {
            return Reason.EXPIRED;
        }
        if (reason == BasicReason.NOT_YET_VALID) {
            return Reason.NOT_YET_VALID;
        }
        // The names matched, or the path would not have been tried: an anchor that the validator
        // does not take for its key identifier has not signed it.
        if (reason == BasicReason.INVALID_SIGNATURE || reason == PKIXReason.NO_TRUST_ANCHOR) {
            return Reason.BAD_SIGNATURE;
        }
        if (reason == BasicReason.ALGORITHM_CONSTRAINED) {
            return usage == Usage.CLIENT ? Reason.BAD_SIGNATURE : Reason.BAD_PATH;
        }
        return Reason.BAD_PATH;
    }
}
