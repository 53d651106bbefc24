package io.ztunnel.ca;

import io.ztunnel.ca.CertificateRefusal.Side;

import org.jspecify.annotations.Nullable;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/// From the strings of a CA's answer to a certificate somebody may use
/// (docs/spec/identity-and-tls.md 2.6).
///
/// Stricter than the reference proxy, which looks at the name only: here the key must be the one
/// we made, the dates must hold now, and the chain must reach a root of the same answer. A
/// certificate that fails any of these would fail every handshake; refused here, the one in use
/// stays in use.
final class CaAnswer {
    private static final int SAN_URI = 6;

    private CaAnswer() {}

    /// @param exactIdentity whether the leaf must name the requested identity (shared mode)
    static IssuedCertificate accept(
            List<String> chain, KeyPair keys, String requested, boolean exactIdentity, Instant now)
            throws CertificateRefusal {
        if (chain.isEmpty()) {
            throw bad("chain returned from CA is empty for: " + requested, null);
        }
        X509Certificate leaf = leaf(chain.getFirst());
        if (chain.size() == 1) {
            throw unreadable("invalid root certificate: no root certificate present", null);
        }
        List<X509Certificate> roots = all(chain.getLast(), "root");
        if (roots.isEmpty()) {
            throw unreadable("invalid root certificate: no root certificate present", null);
        }
        // One certificate per element is the rule. An element with more is taken whole: the
        // reference proxy loses the rest, and with it the chain (row E18).
        List<X509Certificate> intermediates = new ArrayList<>();
        for (String element : chain.subList(1, chain.size() - 1)) {
            intermediates.addAll(all(element, "intermediate"));
        }

        if (exactIdentity && !requested.equals(firstUri(leaf))) {
            throw bad("did not find expected SAN: " + requested, null);
        }
        if (!Arrays.equals(leaf.getPublicKey().getEncoded(), keys.getPublic().getEncoded())) {
            throw bad("certificate from the CA is for another key: " + requested, null);
        }
        if (!now.isBefore(leaf.getNotAfter().toInstant())) {
            throw new CertificateRefusal(
                    Side.AUTHORITY,
                    "certificate from the CA has already expired: "
                            + leaf.getNotAfter().toInstant(),
                    "Compare the clocks of this node and of the CA.",
                    null);
        }
        checkChain(leaf, intermediates, roots, now);
        return new IssuedCertificate(keys.getPrivate(), leaf, intermediates, roots);
    }

    private static X509Certificate leaf(String element) throws CertificateRefusal {
        try {
            List<X509Certificate> all = PemCertificates.parse(element);
            if (!all.isEmpty()) {
                return all.getFirst();
            }
        } catch (CertificateException e) {
            throw unreadable("certificate: " + e.getMessage(), e);
        }
        throw unreadable("certificate: no certificate in the first element", null);
    }

    private static List<X509Certificate> all(String element, String what)
            throws CertificateRefusal {
        try {
            return PemCertificates.parse(element);
        } catch (CertificateException e) {
            throw unreadable(what + " certificate: " + e.getMessage(), e);
        }
    }

    /// The first URI name alone counts here, unlike in handshakes (row E69).
    private static @Nullable String firstUri(X509Certificate leaf) throws CertificateRefusal {
        try {
            Collection<List<?>> names = leaf.getSubjectAlternativeNames();
            if (names != null) {
                for (List<?> name : names) {
                    if (Objects.equals(name.get(0), SAN_URI)) {
                        return (String) name.get(1);
                    }
                }
            }
            return null;
        } catch (CertificateParsingException e) {
            throw unreadable("certificate: names do not parse", e);
        }
    }

    private static void checkChain(
            X509Certificate leaf,
            List<X509Certificate> intermediates,
            List<X509Certificate> roots,
            Instant now)
            throws CertificateRefusal {
        try {
            Set<TrustAnchor> anchors = new HashSet<>();
            for (X509Certificate root : roots) {
                anchors.add(new TrustAnchor(root, null));
            }
            var target = new X509CertSelector();
            target.setCertificate(leaf);
            var parameters = new PKIXBuilderParameters(anchors, target);
            parameters.setRevocationEnabled(false);
            // A leaf that becomes valid in a moment is a clock a little apart, no broken chain.
            Instant at =
                    now.isBefore(leaf.getNotBefore().toInstant())
                            ? leaf.getNotBefore().toInstant()
                            : now;
            parameters.setDate(Date.from(at));
            List<X509Certificate> known = new ArrayList<>(intermediates);
            known.add(leaf);
            parameters.addCertStore(
                    CertStore.getInstance("Collection", new CollectionCertStoreParameters(known)));
            CertPathBuilder.getInstance("PKIX").build(parameters);
        } catch (GeneralSecurityException e) {
            throw bad("certificate from the CA does not chain to a root of its answer", e);
        }
    }

    private static CertificateRefusal unreadable(String what, @Nullable Throwable cause) {
        return bad("failed to create CSR: " + what, cause);
    }

    private static CertificateRefusal bad(String text, @Nullable Throwable cause) {
        return new CertificateRefusal(
                Side.AUTHORITY,
                text,
                "Look at the log of the CA and at its certificate chain and root files.",
                cause);
    }
}
