package io.ztunnel.ca.testkit;

import io.ztunnel.ca.IssuedCertificate;

import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;

/// A root or intermediate CA in memory. Immutable; safe on any thread.
public final class IssuingCa {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final KeyPair keys;
    private final X509Certificate certificate;
    private final @Nullable IssuingCa parent;

    private IssuingCa(KeyPair keys, X509Certificate certificate, @Nullable IssuingCa parent) {
        this.keys = keys;
        this.certificate = certificate;
        this.parent = parent;
    }

    /// A self-signed root, like istiod's own `O=cluster.local`.
    public static IssuingCa root(String name) {
        KeyPair keys = p256();
        return new IssuingCa(keys, authority(name, keys.getPublic(), name, keys, -1), null);
    }

    public IssuingCa intermediate(String name) {
        return intermediate(name, -1);
    }

    /// @param pathLength how many CAs may follow below; negative for no limit
    public IssuingCa intermediate(String name, int pathLength) {
        KeyPair fresh = p256();
        return new IssuingCa(
                fresh, authority(name, fresh.getPublic(), subject(), keys, pathLength), this);
    }

    /// One that may sign certificates and no revocation lists.
    public IssuingCa intermediateWithoutCrlSign(String name) {
        KeyPair fresh = p256();
        return new IssuingCa(
                fresh,
                authority(name, fresh.getPublic(), subject(), keys, -1, KeyUsage.keyCertSign),
                this);
    }

    /// The name and key of another CA under this one, as its second certificate.
    public IssuingCa crossSign(IssuingCa other) {
        return new IssuingCa(
                other.keys,
                authority(other.subject(), other.keys.getPublic(), subject(), keys, -1),
                this);
    }

    public X509Certificate certificate() {
        return certificate;
    }

    public PrivateKey key() {
        return keys.getPrivate();
    }

    /// The CAs between a leaf of this one and the root, lowest first; without the root.
    public List<X509Certificate> chain() {
        List<X509Certificate> chain = new ArrayList<>();
        for (IssuingCa at = this; at.parent != null; at = at.parent) {
            chain.add(at.certificate);
        }
        return chain;
    }

    public X509Certificate rootCertificate() {
        IssuingCa at = this;
        while (at.parent != null) {
            at = at.parent;
        }
        return at.certificate;
    }

    /// A certificate as a workload would hold it, trusting this CA's root and the others given.
    public IssuedCertificate issue(LeafRequest request, X509Certificate... moreRoots) {
        KeyPair leafKeys = request.keys == null ? p256() : request.keys;
        request.keys = leafKeys;
        List<X509Certificate> roots = new ArrayList<>(List.of(rootCertificate()));
        roots.addAll(List.of(moreRoots));
        return new IssuedCertificate(leafKeys.getPrivate(), sign(request), chain(), roots);
    }

    /// Shorthand for the usual leaf.
    public IssuedCertificate issue(String spiffeId) {
        return issue(LeafRequest.of(spiffeId));
    }

    /// The leaf alone, for the key of the request.
    public X509Certificate sign(LeafRequest request) {
        PublicKey key = request.publicKey;
        if (key == null) {
            KeyPair pair = request.keys == null ? p256() : request.keys;
            key = pair.getPublic();
        }
        try {
            X509v3CertificateBuilder builder =
                    new JcaX509v3CertificateBuilder(
                            new X500Name(subject()),
                            request.serial == null ? serial() : request.serial,
                            Date.from(request.notBefore),
                            Date.from(request.notAfter),
                            new X500Name(request.garbledNames ? "CN=garbled" : ""),
                            key);
            builder.addExtension(
                    Extension.keyUsage,
                    true,
                    new KeyUsage(
                            request.authority
                                    ? KeyUsage.keyCertSign | KeyUsage.digitalSignature
                                    : KeyUsage.digitalSignature | KeyUsage.keyEncipherment));
            if (!request.purposes.isEmpty()) {
                builder.addExtension(
                        Extension.extendedKeyUsage,
                        false,
                        new ExtendedKeyUsage(request.purposes.toArray(new KeyPurposeId[0])));
            }
            builder.addExtension(
                    Extension.basicConstraints, true, new BasicConstraints(request.authority));
            builder.addExtension(
                    Extension.authorityKeyIdentifier,
                    false,
                    new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(keys.getPublic()));
            if (!request.names.isEmpty()) {
                builder.addExtension(
                        Extension.subjectAlternativeName,
                        true,
                        new GeneralNames(request.names.toArray(new GeneralName[0])));
            }
            if (request.garbledNames) {
                builder.addExtension(
                        Extension.subjectAlternativeName, false, new byte[] {4, 2, 1, 2});
            }
            return finish(builder, keys.getPrivate());
        } catch (CertIOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public static KeyPair p256() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String pem(X509Certificate certificate) {
        try {
            return "-----BEGIN CERTIFICATE-----\n"
                    + Base64.getMimeEncoder(64, new byte[] {'\n'})
                            .encodeToString(certificate.getEncoded())
                    + "\n-----END CERTIFICATE-----\n";
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String pem(PrivateKey key) {
        return "-----BEGIN PRIVATE KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded())
                + "\n-----END PRIVATE KEY-----\n";
    }

    private String subject() {
        return certificate.getSubjectX500Principal().getName();
    }

    private static X509Certificate authority(
            String name, PublicKey key, String issuer, KeyPair signer, int pathLength) {
        return authority(
                name, key, issuer, signer, pathLength, KeyUsage.keyCertSign | KeyUsage.cRLSign);
    }

    private static X509Certificate authority(
            String name, PublicKey key, String issuer, KeyPair signer, int pathLength, int usage) {
        Instant now = Instant.now();
        try {
            X509v3CertificateBuilder builder =
                    new JcaX509v3CertificateBuilder(
                            new X500Name(issuer),
                            serial(),
                            Date.from(now.minus(Duration.ofHours(1))),
                            Date.from(now.plus(Duration.ofDays(3650))),
                            new X500Name(name),
                            key);
            builder.addExtension(
                    Extension.basicConstraints,
                    true,
                    pathLength < 0 ? new BasicConstraints(true) : new BasicConstraints(pathLength));
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
            builder.addExtension(
                    Extension.subjectKeyIdentifier,
                    false,
                    new JcaX509ExtensionUtils().createSubjectKeyIdentifier(key));
            return finish(builder, signer.getPrivate());
        } catch (CertIOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static X509Certificate finish(X509v3CertificateBuilder builder, PrivateKey signer)
            throws GeneralSecurityException {
        try {
            return new JcaX509CertificateConverter()
                    .getCertificate(
                            builder.build(
                                    new JcaContentSignerBuilder("SHA256withECDSA").build(signer)));
        } catch (OperatorCreationException e) {
            throw new GeneralSecurityException(e);
        }
    }

    private static BigInteger serial() {
        return new BigInteger(127, RANDOM).add(BigInteger.ONE);
    }
}
