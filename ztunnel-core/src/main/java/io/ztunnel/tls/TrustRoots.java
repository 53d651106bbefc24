package io.ztunnel.tls;

import io.ztunnel.tls.PathValidation.Usage;
import io.ztunnel.tls.PeerRejected.Reason;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// One set of trust anchors, and the peers already found to chain to it.
///
/// Other anchors are another object, so what one set of roots has accepted never counts for
/// another. Within one, a leaf is remembered by its digest: the path that was found is the peer's
/// for as long as every certificate in it is valid, whatever else it presents along with it. With
/// other revocation lists in force it is judged anew.
///
/// Shared by all workers without locks: a slot is one reference to an immutable entry, and two
/// peers that fall on the same slot only cost a validation.
final class TrustRoots {
    private static final int SLOTS = 1024;

    private static final class Entry {
        private final byte[] digest;
        private final VerifiedPeer peer;
        private final RevocationLists judgedBy;

        Entry(byte[] digest, VerifiedPeer peer, RevocationLists judgedBy) {
            this.digest = digest;
            this.peer = peer;
            this.judgedBy = judgedBy;
        }
    }

    private final List<X509Certificate> anchors;
    private final AtomicReferenceArray<@Nullable Entry> clients = new AtomicReferenceArray<>(SLOTS);
    private final AtomicReferenceArray<@Nullable Entry> servers = new AtomicReferenceArray<>(SLOTS);

    TrustRoots(List<X509Certificate> anchors) {
        this.anchors = List.copyOf(anchors);
    }

    List<X509Certificate> anchors() {
        return anchors;
    }

    /// Validates what a peer presented, leaf first.
    VerifiedPeer verify(
            X509Certificate[] presented, Usage usage, Instant now, RevocationLists lists)
            throws PeerRejected {
        try {
            byte[] leaf = presented[0].getEncoded();
            byte[] digest = sha256(leaf);
            var entries = usage == Usage.CLIENT ? clients : servers;
            int slot = (((digest[0] & 0xff) << 8) | (digest[1] & 0xff)) & (SLOTS - 1);
            Entry known = entries.get(slot);
            if (known != null && Arrays.equals(known.digest, digest) && known.peer.validAt(now)) {
                if (known.judgedBy == lists) {
                    return known.peer;
                }
                if (lists.judge(known.peer, usage) == null) {
                    entries.set(slot, new Entry(digest, known.peer, lists));
                    return known.peer;
                }
            }
            VerifiedPeer peer =
                    PathValidation.validate(parsed(leaf, presented), anchors, usage, now, lists);
            entries.set(slot, new Entry(digest, peer, lists));
            return peer;
        } catch (CertificateException e) {
            throw new PeerRejected(Reason.MALFORMED, "certificate does not parse", e);
        }
    }

    /// As the JDK's own objects: the library's parse anew at every question.
    private static List<X509Certificate> parsed(byte[] leaf, X509Certificate[] presented)
            throws CertificateException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> parsed = new ArrayList<>(presented.length);
        parsed.add(parse(factory, leaf));
        for (int i = 1; i < presented.length; i++) {
            parsed.add(parse(factory, presented[i].getEncoded()));
        }
        return parsed;
    }

    private static X509Certificate parse(CertificateFactory factory, byte[] der)
            throws CertificateException {
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
    }

    /// Whether these are the same anchors in the same order.
    boolean sameAs(List<X509Certificate> others) {
        return anchors.equals(others);
    }

    private static byte[] sha256(byte[] bytes) throws CertificateEncodingException {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new CertificateEncodingException("every JDK has SHA-256", e);
        }
    }
}
