package io.ztunnel.tls;

import org.bouncycastle.asn1.x509.CRLDistPoint;
import org.bouncycastle.asn1.x509.DistributionPoint;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.IssuingDistributionPoint;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CRLException;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import javax.security.auth.x500.X500Principal;

/// One list of one CA (RFC 5280 section 5), of the kinds that docs/spec/identity-and-tls.md 6.1
/// accepts.
///
/// Safe on any thread. Whose key signed it is found out once per key and remembered; keys come from
/// validated paths only, so strangers cannot fill that memory.
final class RevocationList {
    private static final int LONGEST_NUMBER = 20;

    private final X509CRL crl;
    private final @Nullable IssuingDistributionPoint scope;
    private final Map<PublicKey, Boolean> signedBy = new ConcurrentHashMap<>();

    private RevocationList(X509CRL crl, @Nullable IssuingDistributionPoint scope) {
        this.crl = crl;
        this.scope = scope;
    }

    /// @throws CRLException where the list is of a kind that cannot be relied on
    static RevocationList of(X509CRL crl) throws CRLException {
        require(crl.getVersion() == 2, "is not of version 2");
        require(crl.getNextUpdate() != null, "has no nextUpdate");
        require(
                crl.getCriticalExtensionOIDs() != null || crl.getNonCriticalExtensionOIDs() != null,
                "has no extensions");
        require(crl.getExtensionValue(Extension.deltaCRLIndicator.getId()) == null, "is a delta");
        require(!crl.hasUnsupportedCriticalExtension(), "has an unknown critical extension");
        try {
            byte[] number = crl.getExtensionValue(Extension.cRLNumber.getId());
            require(
                    number == null
                            // The octet string around the integer has two octets, the integer two.
                            || number.length - 4 <= LONGEST_NUMBER,
                    "has a number of more than 20 octets");
            byte[] point = crl.getExtensionValue(Extension.issuingDistributionPoint.getId());
            IssuingDistributionPoint scope =
                    point == null
                            ? null
                            : IssuingDistributionPoint.getInstance(
                                    JcaX509ExtensionUtils.parseExtensionValue(point));
            require(scope == null || !scope.isIndirectCRL(), "is indirect");
            require(
                    scope == null
                            || (!scope.onlyContainsAttributeCerts()
                                    && scope.getOnlySomeReasons() == null),
                    "is for attribute certificates or for some reasons only");
            return new RevocationList(crl, scope);
        } catch (IOException | IllegalArgumentException e) {
            throw new CRLException("has an extension that does not parse: " + e.getMessage(), e);
        }
    }

    private static void require(boolean holds, String otherwise) throws CRLException {
        if (!holds) {
            throw new CRLException(otherwise);
        }
    }

    X500Principal issuer() {
        return crl.getIssuerX500Principal();
    }

    int entries() {
        Set<?> revoked = crl.getRevokedCertificates();
        return revoked == null ? 0 : revoked.size();
    }

    /// Past its nextUpdate. It is used all the same (6.3).
    boolean staleAt(Instant now) {
        return crl.getNextUpdate().toInstant().isBefore(now);
    }

    boolean lists(BigInteger serial) {
        return crl.getRevokedCertificate(serial) != null;
    }

    boolean signedBy(PublicKey key) {
        Boolean known = signedBy.get(key);
        if (known == null) {
            known = verify(key);
            signedBy.put(key, known);
        }
        return known;
    }

    private boolean verify(PublicKey key) {
        try {
            crl.verify(key);
            return true;
        } catch (GeneralSecurityException wrong) {
            return false;
        }
    }

    /// Whether the list speaks of this certificate: of all, or of CAs or others only, or of those
    /// that name its distribution point.
    boolean covers(X509Certificate certificate) {
        IssuingDistributionPoint limits = scope;
        if (limits == null) {
            return true;
        }
        boolean authority = certificate.getBasicConstraints() >= 0;
        if ((limits.onlyContainsUserCerts() && authority)
                || (limits.onlyContainsCACerts() && !authority)) {
            return false;
        }
        Set<GeneralName> own = uris(limits.getDistributionPoint());
        byte[] points = certificate.getExtensionValue(Extension.cRLDistributionPoints.getId());
        if (own.isEmpty() || points == null) {
            return true;
        }
        try {
            for (DistributionPoint point :
                    CRLDistPoint.getInstance(JcaX509ExtensionUtils.parseExtensionValue(points))
                            .getDistributionPoints()) {
                Set<GeneralName> shared = uris(point.getDistributionPoint());
                shared.retainAll(own);
                if (!shared.isEmpty()) {
                    return true;
                }
            }
            return false;
        } catch (IOException | IllegalArgumentException unreadable) {
            // Rather one list too many than one too few.
            return true;
        }
    }

    private static Set<GeneralName> uris(@Nullable DistributionPointName name) {
        Set<GeneralName> uris = new HashSet<>();
        if (name != null && name.getType() == DistributionPointName.FULL_NAME) {
            for (GeneralName each : GeneralNames.getInstance(name.getName()).getNames()) {
                if (each.getTagNo() == GeneralName.uniformResourceIdentifier) {
                    uris.add(each);
                }
            }
        }
        return uris;
    }
}
