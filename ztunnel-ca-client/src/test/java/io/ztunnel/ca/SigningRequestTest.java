package io.ztunnel.ca;

import static org.assertj.core.api.Assertions.assertThat;

import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.junit.jupiter.api.Test;

import java.io.StringReader;
import java.security.interfaces.ECPublicKey;

class SigningRequestTest {
    private static final String IDENTITY = "spiffe://td/ns/ns1/sa/sa1";

    @Test
    void E9_nothingButOneCriticalUriName() throws Exception {
        SigningRequest request = SigningRequest.of(IDENTITY);
        PKCS10CertificationRequest parsed;
        try (PEMParser parser = new PEMParser(new StringReader(request.pem()))) {
            parsed = (PKCS10CertificationRequest) parser.readObject();
        }

        assertThat(request.pem()).startsWith("-----BEGIN CERTIFICATE REQUEST-----\n");
        assertThat(request.pem()).doesNotContain("\r").endsWith("REQUEST-----\n");
        assertThat(
                        parsed.isSignatureValid(
                                new JcaContentVerifierProviderBuilder()
                                        .build(request.keys().getPublic())))
                .isTrue();
        assertThat(parsed.getSubject().getRDNs()).isEmpty();
        assertThat(parsed.getAttributes()).hasSize(1);
        assertThat(parsed.getAttributes()[0].getAttrType())
                .isEqualTo(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest);
        Extensions extensions = parsed.getRequestedExtensions();
        assertThat(extensions.getExtensionOIDs()).containsExactly(Extension.subjectAlternativeName);
        assertThat(extensions.getExtension(Extension.subjectAlternativeName).isCritical()).isTrue();
        GeneralName[] names =
                GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName)
                        .getNames();
        assertThat(names).hasSize(1);
        assertThat(names[0].getTagNo()).isEqualTo(GeneralName.uniformResourceIdentifier);
        assertThat(names[0].getName()).hasToString(IDENTITY);
        assertThat(
                        ((ECPublicKey) request.keys().getPublic())
                                .getParams()
                                .getCurve()
                                .getField()
                                .getFieldSize())
                .isEqualTo(256);
    }

    @Test
    void E10_everyRequestHasItsOwnKey() throws Exception {
        assertThat(SigningRequest.of(IDENTITY).keys().getPublic())
                .isNotEqualTo(SigningRequest.of(IDENTITY).keys().getPublic());
    }

    @Test
    void theKeyIsInNoText() throws Exception {
        assertThat(SigningRequest.of(IDENTITY)).hasToString("SigningRequest");
    }
}
