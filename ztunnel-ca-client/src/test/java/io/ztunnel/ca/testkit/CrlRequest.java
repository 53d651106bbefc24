package io.ztunnel.ca.testkit;

import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.IssuingDistributionPoint;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

import java.io.IOException;
import java.math.BigInteger;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a revocation list should look like: that of a plugged-in CA, until a test asks for
/// something else.
public final class CrlRequest {
    private final X500Name issuer;
    private final List<BigInteger> revoked = new ArrayList<>();
    private final Map<ASN1ObjectIdentifier, ASN1Encodable> critical = new LinkedHashMap<>();
    private PrivateKey key;
    private Instant nextUpdate = Instant.now().plus(Duration.ofDays(30));
    private boolean numbered = true;

    private CrlRequest(IssuingCa ca) {
        this.issuer = new X500Name(ca.certificate().getSubjectX500Principal().getName());
        this.key = ca.key();
    }

    public static CrlRequest of(IssuingCa ca) {
        return new CrlRequest(ca);
    }

    public CrlRequest revoke(X509Certificate... certificates) {
        for (X509Certificate each : certificates) {
            revoked.add(each.getSerialNumber());
        }
        return this;
    }

    public CrlRequest revoke(BigInteger serial) {
        revoked.add(serial);
        return this;
    }

    /// Past its nextUpdate by a day.
    public CrlRequest stale() {
        nextUpdate = Instant.now().minus(Duration.ofDays(1));
        return this;
    }

    /// Signed by another key than the name says.
    public CrlRequest signedBy(IssuingCa other) {
        key = other.key();
        return this;
    }

    /// Without any extension.
    public CrlRequest bare() {
        numbered = false;
        return this;
    }

    public CrlRequest critical(String oid, ASN1Encodable value) {
        critical.put(new ASN1ObjectIdentifier(oid), value);
        return this;
    }

    /// For CA certificates alone, or for all others alone.
    public CrlRequest only(boolean authorities) {
        return critical(
                Extension.issuingDistributionPoint.getId(),
                new IssuingDistributionPoint(null, !authorities, authorities, null, false, false));
    }

    public byte[] der() {
        try {
            Instant now = Instant.now();
            X509v2CRLBuilder builder =
                    new X509v2CRLBuilder(issuer, Date.from(now.minus(Duration.ofDays(2))));
            builder.setNextUpdate(Date.from(nextUpdate));
            for (BigInteger serial : revoked) {
                builder.addCRLEntry(serial, Date.from(now), CRLReason.keyCompromise);
            }
            if (numbered) {
                builder.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.TWO));
            }
            for (Map.Entry<ASN1ObjectIdentifier, ASN1Encodable> each : critical.entrySet()) {
                builder.addExtension(each.getKey(), true, each.getValue());
            }
            return builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key))
                    .getEncoded();
        } catch (IOException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    public String pem() {
        return "-----BEGIN X509 CRL-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der())
                + "\n-----END X509 CRL-----\n";
    }
}
