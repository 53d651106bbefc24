package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/// Versions, suites and groups with OpenSSL and the JDK as clients, and that no session is ever
/// resumed (docs/spec/identity-and-tls.md 5.6, 10.3).
class OutsideVersionsIT extends OutsidePeers {
    @Test
    void alert70_tls12IsRefusedUnlessAllowed() throws Exception {
        assertThat(openssl(serve(contexts), asClient("client", "-tls1_2")))
                .contains("SSL alert number 70");
        try (TlsContexts older =
                new TlsContexts(
                        new TlsSettings(
                                true,
                                KeyExchange.CLASSIC,
                                Duration.ofSeconds(10),
                                Duration.ZERO))) {
            assertThat(openssl(serve(older), asClient("client", "-tls1_2")))
                    .contains("TLSv1.2")
                    .contains("from server");
        }
    }

    @Test
    void alert40_noCommonGroup() throws Exception {
        assertThat(openssl(serve(contexts), asClient("client", "-groups", "P-521")))
                .contains("SSL alert number 40");
    }

    @Test
    void everyClassicGroupIsAccepted() throws Exception {
        int port = serve(contexts);
        for (String group : List.of("X25519", "P-256", "P-384")) {
            assertThat(openssl(port, asClient("client", "-groups", group))).contains("from server");
        }
    }

    @Test
    void E70_alert40_classicClientOfAHybridOnlyServer() throws Exception {
        try (TlsContexts pqc =
                new TlsContexts(
                        new TlsSettings(
                                false,
                                KeyExchange.PQC_ONLY,
                                Duration.ofSeconds(10),
                                Duration.ZERO))) {
            assertThat(openssl(serve(pqc), asClient("client"))).contains("SSL alert number 40");
        }
    }

    /// The first message in many small pieces, and longer than a segment.
    @Test
    void aHybridHelloIsReadAsAWhole() throws Exception {
        try (TlsContexts hybrid =
                new TlsContexts(
                        new TlsSettings(
                                false,
                                KeyExchange.HYBRID_FIRST,
                                Duration.ofSeconds(10),
                                Duration.ZERO))) {
            assertThat(
                            openssl(
                                    serve(hybrid),
                                    asClient(
                                            "client",
                                            "-split_send_frag",
                                            "512",
                                            "-max_send_frag",
                                            "512")))
                    .contains("from server");
        }
    }

    /// A client that asks for its session again, in both versions, proves itself each time.
    @Test
    void aSessionThatIsAskedForAgainIsRefused() throws Exception {
        try (TlsContexts older =
                new TlsContexts(
                        new TlsSettings(
                                true,
                                KeyExchange.CLASSIC,
                                Duration.ofSeconds(10),
                                Duration.ZERO))) {
            int port = serve(older);
            for (String version : List.of("-tls1_2", "-tls1_3")) {
                // Once, and five times more with the session of the first.
                String output =
                        run(
                                List.of(
                                        "openssl",
                                        "s_client",
                                        "-connect",
                                        "127.0.0.1:" + port,
                                        "-cert",
                                        "client.pem",
                                        "-key",
                                        "client.key",
                                        "-alpn",
                                        "h2",
                                        version,
                                        "-reconnect"));
                assertThat(output).contains("New, TLSv1").doesNotContain("Reused, TLSv1");
                for (int i = 0; i < 6; i++) {
                    assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
                }
            }
        }
    }

    @Test
    void suitesOfBothVersions() throws Exception {
        int port = serve(contexts);
        for (String suite : List.of("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")) {
            assertThat(openssl(port, asClient("client", "-ciphersuites", suite)))
                    .contains("from server", suite);
        }
        try (TlsContexts older =
                new TlsContexts(
                        new TlsSettings(
                                true,
                                KeyExchange.CLASSIC,
                                Duration.ofSeconds(10),
                                Duration.ZERO))) {
            int old = serve(older);
            for (String suite :
                    List.of("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256")) {
                assertThat(openssl(old, asClient("client", "-tls1_2", "-cipher", suite)))
                        .contains("from server", suite);
            }
            assertThat(openssl(old, asClient("client", "-tls1_1", "-cipher", "ALL@SECLEVEL=0")))
                    .doesNotContain("from server");
        }
    }

    /// Row 10.3: three connections of a client that would resume are three verifications.
    @Test
    void noSessionIsEverResumed() throws Exception {
        int port = serve(contexts);
        openssl(port, asClient("client", "-sess_out", "session"));
        assertThat(directory.resolve("session")).doesNotExist();

        SSLContext jdk = jdkClient();
        for (int i = 0; i < 3; i++) {
            try (SSLSocket socket =
                    (SSLSocket) jdk.getSocketFactory().createSocket("127.0.0.1", port)) {
                var parameters = socket.getSSLParameters();
                parameters.setApplicationProtocols(new String[] {"h2"});
                socket.setSSLParameters(parameters);
                assertThat(socket.getInputStream().readNBytes(11)).hasSize(11);
            }
        }
        // Each was proven anew: a resumed session would come without the trust manager's verdict.
        for (int i = 0; i < 4; i++) {
            assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
        }
    }

    private SSLContext jdkClient() throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry("own", client.key(), new char[0], new X509Certificate[] {client.leaf()});
        keys.setCertificateEntry("root", root.certificate());
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, new char[0]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(keys);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }
}
