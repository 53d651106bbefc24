package io.ztunnel.tls;

import io.ztunnel.tls.PathValidation.Usage;
import io.ztunnel.tls.PeerRejected.Reason;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CRLException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import javax.security.auth.x500.X500Principal;

/// All lists of one version of the file, and the rules of docs/spec/identity-and-tls.md 6.3.
///
/// Own rules, because the JDK's checker accepts a peer that a stale list names (10.6). The paths it
/// judges are validated already, so time plays no part: what has expired meanwhile can still be
/// revoked. Compared by object: each version of the file is another generation. Safe on any thread.
final class RevocationLists {
    static final RevocationLists NONE = new RevocationLists(List.of());

    private static final String BEGIN = "-----BEGIN";
    private static final String BEGIN_CRL = "-----BEGIN X509 CRL-----";
    private static final String END_CRL = "-----END X509 CRL-----";

    /// Where `cRLSign` stands in `X509Certificate.getKeyUsage`.
    private static final int CRL_SIGN = 6;

    private final List<RevocationList> all;
    private final Map<X500Principal, List<RevocationList>> byIssuer = new HashMap<>();

    private RevocationLists(List<RevocationList> all) {
        this.all = all;
        for (RevocationList list : all) {
            byIssuer.computeIfAbsent(list.issuer(), _ -> new ArrayList<>(1)).add(list);
        }
    }

    /// All of a file or nothing of it. The first bytes decide: PEM, of which other blocks are
    /// skipped, or else one list as DER. Nothing in it is a legal content, too.
    ///
    /// @throws CRLException with the number of the list and what is wrong with it
    static RevocationLists parse(byte[] file) throws CRLException {
        if (file.length == 0) {
            return NONE;
        }
        List<byte[]> encoded =
                new String(file, StandardCharsets.ISO_8859_1).startsWith(BEGIN)
                        ? blocks(new String(file, StandardCharsets.ISO_8859_1))
                        : List.of(file);
        List<RevocationList> lists = new ArrayList<>(encoded.size());
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (byte[] each : encoded) {
                lists.add(
                        RevocationList.of(
                                (X509CRL) factory.generateCRL(new ByteArrayInputStream(each))));
            }
        } catch (CRLException e) {
            throw new CRLException("list " + (lists.size() + 1) + ": " + e.getMessage(), e);
        } catch (CertificateException e) {
            throw new IllegalStateException("every JDK reads X.509", e);
        }
        return lists.isEmpty() ? NONE : new RevocationLists(lists);
    }

    private static List<byte[]> blocks(String pem) throws CRLException {
        List<byte[]> blocks = new ArrayList<>();
        int at = pem.indexOf(BEGIN_CRL);
        while (at >= 0) {
            int body = at + BEGIN_CRL.length();
            int end = pem.indexOf(END_CRL, body);
            if (end < 0) {
                throw new CRLException("list " + (blocks.size() + 1) + ": PEM block has no end");
            }
            try {
                blocks.add(
                        Base64.getDecoder()
                                .decode(pem.substring(body, end).replaceAll("\\s+", "")));
            } catch (IllegalArgumentException e) {
                throw new CRLException(
                        "list " + (blocks.size() + 1) + ": PEM is damaged: " + e.getMessage(), e);
            }
            at = pem.indexOf(BEGIN_CRL, end);
        }
        return blocks;
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    int size() {
        return all.size();
    }

    /// Revoked certificates in all lists.
    int entries() {
        return all.stream().mapToInt(RevocationList::entries).sum();
    }

    /// Lists past their nextUpdate.
    int staleAt(Instant now) {
        return (int) all.stream().filter(list -> list.staleAt(now)).count();
    }

    /// Judges every certificate of a validated path, never its anchor. Null where nothing speaks
    /// against it; a CA that publishes no list says nothing.
    @Nullable PeerRejected judge(VerifiedPeer peer, Usage usage) {
        if (all.isEmpty()) {
            return null;
        }
        List<X509Certificate> path = peer.path();
        for (int i = 0; i < path.size(); i++) {
            boolean last = i == path.size() - 1;
            PeerRejected no =
                    judge(path.get(i), last ? peer.anchor() : path.get(i + 1), last, usage);
            if (no != null) {
                return no;
            }
        }
        return null;
    }

    /// CAs of one name are told apart by their keys: lists that the issuer has not signed are not
    /// its own. Where it has signed none of those that bear its name, nothing can be said of the
    /// certificate, and that is a refusal.
    private @Nullable PeerRejected judge(
            X509Certificate certificate,
            X509Certificate issuer,
            boolean issuerIsAnchor,
            Usage usage) {
        boolean covered = false;
        boolean signed = false;
        for (RevocationList list :
                byIssuer.getOrDefault(certificate.getIssuerX500Principal(), List.of())) {
            if (!list.covers(certificate)) {
                continue;
            }
            covered = true;
            if (!issuerIsAnchor && !maySign(issuer)) {
                return new PeerRejected(
                        Reason.REVOCATION_UNKNOWN,
                        "CRL of " + name(issuer) + ", which may not sign any");
            }
            if (list.signedBy(issuer.getPublicKey())) {
                signed = true;
                if (list.lists(certificate.getSerialNumber())) {
                    return new PeerRejected(
                            Reason.REVOKED,
                            "peer certificate revoked by CRL: serial "
                                    + certificate.getSerialNumber().toString(16)
                                    + " of "
                                    + name(issuer));
                }
            }
        }
        return covered && !signed
                ? new PeerRejected(
                        usage == Usage.CLIENT ? Reason.REVOCATION_UNKNOWN : Reason.BAD_PATH,
                        "CRL of " + name(issuer) + " is signed by another key")
                : null;
    }

    private static boolean maySign(X509Certificate issuer) {
        boolean[] usage = issuer.getKeyUsage();
        return usage == null || usage[CRL_SIGN];
    }

    private static String name(X509Certificate issuer) {
        return issuer.getSubjectX500Principal().getName();
    }
}
