package io.ztunnel.ca;

import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;

/// A fresh P-256 key and the PKCS#10 request for it (docs/spec/identity-and-tls.md 2.2, 10.7).
///
/// Apart from the rest because it is the only class that touches BouncyCastle, whose classes are
/// many: they load with the first request, not at start-up.
record SigningRequest(KeyPair keys, String pem) {
    private static final Base64.Encoder LINES = Base64.getMimeEncoder(64, new byte[] {'\n'});

    static SigningRequest of(String spiffeId) throws GeneralSecurityException, IOException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair keys = generator.generateKeyPair();

        // An empty subject: a common name would switch istiod to its dual-use mode.
        var request =
                new JcaPKCS10CertificationRequestBuilder(
                        new X500Name(new RDN[0]), keys.getPublic());
        var extensions = new ExtensionsGenerator();
        extensions.addExtension(
                Extension.subjectAlternativeName,
                true,
                new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, spiffeId)));
        request.addAttribute(
                PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());
        try {
            byte[] der =
                    request.build(
                                    new JcaContentSignerBuilder("SHA256withECDSA")
                                            .build(keys.getPrivate()))
                            .getEncoded();
            return new SigningRequest(
                    keys,
                    "-----BEGIN CERTIFICATE REQUEST-----\n"
                            + LINES.encodeToString(der)
                            + "\n-----END CERTIFICATE REQUEST-----\n");
        } catch (OperatorCreationException e) {
            throw new GeneralSecurityException("no signer for a P-256 key", e);
        }
    }

    /// A record would print its parts, and one of them is a key.
    @Override
    public String toString() {
        return "SigningRequest";
    }
}
