package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;

/// Clients that are not of our making prove themselves, or hear which alert by its number
/// (docs/spec/identity-and-tls.md 5.6, 10.3).
class OutsidePeersIT extends OutsidePeers {
    @Test
    void aProperClientGetsThroughWithoutATicket() throws Exception {
        int port = serve(contexts);
        String output = openssl(port, asClient("client", "-msg"));

        assertThat(output).contains("TLSv1.3").contains("ALPN protocol: h2");
        assertThat(output).contains("from server").contains("O = cluster.local");
        assertThat(output).doesNotContain("NewSessionTicket");
        assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
    }

    @Test
    void E66_alert116_noCertificate() throws Exception {
        assertThat(openssl(serve(contexts), "-alpn", "h2")).contains("SSL alert number 116");
    }

    @Test
    void E63_alert46_anotherTrustDomain() throws Exception {
        write("other", root.issue("spiffe://elsewhere/ns/a/sa/client"));
        assertThat(openssl(serve(contexts), asClient("other"))).contains("SSL alert number 46");
    }

    @Test
    void alert45_48_43_51_refusedClients() throws Exception {
        int port = serve(contexts);
        java.time.Instant now = java.time.Instant.now();
        write(
                "expired",
                root.issue(
                        LeafRequest.of(CLIENT.toString())
                                .valid(now.minusSeconds(7200), now.minusSeconds(60))));
        write("stranger", IssuingCa.root("O=stranger").issue(CLIENT.toString()));
        write("purpose", root.issue(LeafRequest.of(CLIENT.toString()).serverOnly()));
        write("forged", IssuingCa.root("O=cluster.local").issue(CLIENT.toString()));
        assertThat(openssl(port, asClient("expired"))).contains("SSL alert number 45");
        assertThat(openssl(port, asClient("stranger"))).contains("SSL alert number 48");
        assertThat(openssl(port, asClient("purpose"))).contains("SSL alert number 43");
        assertThat(openssl(port, asClient("forged"))).contains("SSL alert number 51");
    }

    @Test
    void alert120_protocolsWithoutH2_noneAtAllIsFine() throws Exception {
        int port = serve(contexts);
        String output =
                openssl(port, "-cert", "client.pem", "-key", "client.key", "-alpn", "http/1.1");
        assertThat(output).contains("SSL alert number 120").doesNotContain("from server");
        assertThat(loopback.accepted().failure())
                .isEqualTo("tls handshake error: peer does not speak h2 (ALPN)");
        assertThat(openssl(port, "-cert", "client.pem", "-key", "client.key"))
                .contains("No ALPN negotiated", "from server");
        assertThat(openssl(port, asClient("client", "-alpn", "http/1.1,h2")))
                .contains("ALPN protocol: h2", "from server");
    }

    @Test
    void alert44_row173_revokedClientAndRevokedIntermediate() throws Exception {
        Revocations revocations = Revocations.off();
        IssuingCa intermediate = root.intermediate("CN=intermediate");
        try (TlsContexts enforcing =
                new TlsContexts(
                        TlsSettings.DEFAULT, revocations, java.time.InstantSource.system())) {
            int port = serve(enforcing);
            IssuedCertificate below = intermediate.issue(CLIENT.toString());
            write("below", below);
            Files.writeString(
                    directory.resolve("chain.pem"), IssuingCa.pem(intermediate.certificate()));
            assertThat(openssl(port, asClient("client"))).contains("from server");
            assertThat(openssl(port, asClient("below", "-cert_chain", "chain.pem")))
                    .contains("from server");

            revocations.replace(
                    RevocationListsTest.lists(
                            CrlRequest.of(root).revoke(client.leaf(), intermediate.certificate())));
            assertThat(openssl(port, asClient("client"))).contains("SSL alert number 44");
            assertThat(openssl(port, asClient("below", "-cert_chain", "chain.pem")))
                    .contains("SSL alert number 44");
        }
    }

    @Test
    void E91_alert40_listWithAWrongSignature() throws Exception {
        Revocations revocations = Revocations.off();
        try (TlsContexts enforcing =
                new TlsContexts(
                        TlsSettings.DEFAULT, revocations, java.time.InstantSource.system())) {
            int port = serve(enforcing);
            revocations.replace(
                    RevocationListsTest.lists(
                            CrlRequest.of(root).signedBy(IssuingCa.root("O=stranger"))));
            assertThat(openssl(port, asClient("client"))).contains("SSL alert number 40");
        }
    }

    /// Upstream says 49 where the names do not parse; the library has no way to say so.
    @Test
    void alert42_namesOfTheCertificateDoNotParse() throws Exception {
        write("garbled", root.issue(LeafRequest.of().garbledNames()));
        assertThat(openssl(serve(contexts), asClient("garbled"))).contains("SSL alert number 42");
    }
}
