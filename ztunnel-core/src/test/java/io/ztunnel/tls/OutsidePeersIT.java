package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/// Against OpenSSL and the JDK on the other side: versions, groups, alerts by number, and that no
/// session is ever resumed (docs/spec/identity-and-tls.md 5.6, 10.3).
@Timeout(120)
class OutsidePeersIT {
    private static final SpiffeId CLIENT = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/client");
    private static final SpiffeId SERVER = SpiffeId.parse("spiffe://cluster.local/ns/b/sa/server");

    @TempDir Path directory;
    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    private final TlsLoopback loopback = new TlsLoopback();
    private IssuedCertificate client;

    @BeforeEach
    void files() throws Exception {
        client = root.issue(CLIENT.toString());
        write("client", client);
        Files.writeString(directory.resolve("root.pem"), IssuingCa.pem(root.certificate()));
    }

    private void write(String name, IssuedCertificate issued) throws IOException {
        Files.writeString(directory.resolve(name + ".pem"), IssuingCa.pem(issued.leaf()));
        Files.writeString(directory.resolve(name + ".key"), IssuingCa.pem(issued.key()));
    }

    @AfterEach
    void stop() {
        loopback.close();
        contexts.close();
    }

    private HeldCertificate server() {
        return new HeldCertificate(SERVER, root.issue(SERVER.toString()), 1);
    }

    private int serve(TlsContexts with) {
        HeldCertificate certificate = server();
        return loopback.serve(channel -> with.server(certificate, channel.alloc()));
    }

    private String openssl(int port, String... more) throws Exception {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "openssl",
                                "s_client",
                                "-connect",
                                "127.0.0.1:" + port,
                                "-CAfile",
                                "root.pem",
                                "-ign_eof"));
        command.addAll(List.of(more));
        return run(command);
    }

    private String run(List<String> command) throws Exception {
        Path output = directory.resolve("output-" + System.nanoTime());
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                        .start();
        // The server greets and does not close; what has come by then is all there is.
        if (!process.waitFor(3, TimeUnit.SECONDS)) {
            process.destroy();
            process.waitFor(10, TimeUnit.SECONDS);
        }
        return Files.readString(output, java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    private String[] asClient(String name, String... more) {
        List<String> all =
                new ArrayList<>(
                        List.of("-cert", name + ".pem", "-key", name + ".key", "-alpn", "h2"));
        all.addAll(List.of(more));
        return all.toArray(new String[0]);
    }

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

    @Test
    void outbound_noServerNameAndOurCertificateToAnOpensslServer() throws Exception {
        write("server", root.issue(SERVER.toString()));
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Path output = directory.resolve("server-output");
        Process process =
                new ProcessBuilder(
                                "openssl",
                                "s_server",
                                "-accept",
                                "127.0.0.1:" + port,
                                "-cert",
                                "server.pem",
                                "-key",
                                "server.key",
                                "-CAfile",
                                "root.pem",
                                "-Verify",
                                "3",
                                "-verify_return_error",
                                "-alpn",
                                "h2",
                                "-tlsextdebug")
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            HeldCertificate own = new HeldCertificate(CLIENT, client, 1);
            awaitListening(port);
            // It serves one at a time, so the connection that ends by itself comes first.
            TlsEnd refused =
                    loopback.connect(
                            port,
                            channel -> contexts.client(own, List.of(CLIENT), channel.alloc()));
            assertThat(refused.failure()).contains("expected SAN");
            TlsEnd end =
                    loopback.connect(
                            port,
                            channel -> contexts.client(own, List.of(SERVER), channel.alloc()));
            assertThat(end.proven().identity()).isEqualTo(SERVER);
            assertThat(end.proven().version()).isEqualTo("TLSv1.3");
        } finally {
            process.destroy();
            process.waitFor(10, TimeUnit.SECONDS);
        }
        String log = Files.readString(output, java.nio.charset.StandardCharsets.ISO_8859_1);
        assertThat(log).contains("ALPN protocols selected: h2").doesNotContain("server name");
        assertThat(log).contains("SSL alert number 46");
    }

    /// Servers that must not be spoken to, and one that must.
    @Test
    void opensslServers_alert45_44_48_versionsAndGroups() throws Exception {
        java.time.Instant now = java.time.Instant.now();
        IssuedCertificate revoked = root.issue(SERVER.toString());
        write(
                "expired-server",
                root.issue(
                        LeafRequest.of(SERVER.toString())
                                .valid(now.minusSeconds(7200), now.minusSeconds(60))));
        write("revoked-server", revoked);
        write("strange-server", IssuingCa.root("O=stranger").issue(SERVER.toString()));
        write("good-server", root.issue(SERVER.toString()));
        Revocations revocations = Revocations.off();
        revocations.replace(RevocationListsTest.lists(CrlRequest.of(root).revoke(revoked.leaf())));

        try (TlsContexts enforcing =
                new TlsContexts(
                        TlsSettings.DEFAULT, revocations, java.time.InstantSource.system())) {
            refusedServer(enforcing, "expired-server", "certificate expired at", 45);
            refusedServer(enforcing, "revoked-server", "peer certificate revoked by CRL", 44);
            refusedServer(enforcing, "strange-server", "does not chain to a trusted root", 48);
            refusedServer(enforcing, "good-server", "tls handshake error: ", 0, "-tls1_2");
            refusedServer(enforcing, "good-server", "tls handshake error: ", 0, "-groups", "P-521");
            for (String group : List.of("X25519", "P-256", "P-384")) {
                Spoken to = speak(enforcing, "good-server", "-groups", group);
                assertThat(to.end().proven().identity()).isEqualTo(SERVER);
            }
        }
    }

    /// @param alert what the server got of us; 0 where it is the one that refuses
    private void refusedServer(
            TlsContexts with, String name, String text, int alert, String... more)
            throws Exception {
        Spoken to = speak(with, name, more);
        assertThat(to.end().failure()).contains(text);
        if (alert > 0) {
            assertThat(Files.readString(to.log(), java.nio.charset.StandardCharsets.ISO_8859_1))
                    .contains("SSL alert number " + alert);
        }
    }

    private record Spoken(TlsEnd end, Path log) {}

    private Spoken speak(TlsContexts with, String name, String... more) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "openssl",
                                "s_server",
                                "-accept",
                                "127.0.0.1:" + port,
                                "-cert",
                                name + ".pem",
                                "-key",
                                name + ".key",
                                "-CAfile",
                                "root.pem",
                                "-Verify",
                                "3",
                                "-naccept",
                                "1",
                                "-alpn",
                                "h2"));
        command.addAll(List.of(more));
        Path output = directory.resolve("server-" + port);
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            HeldCertificate own = new HeldCertificate(CLIENT, client, 1);
            awaitListening(port);
            TlsEnd end =
                    loopback.connect(
                            port, channel -> with.client(own, List.of(SERVER), channel.alloc()));
            end.handshake.exceptionally(refused -> null).get(20, TimeUnit.SECONDS);
            end.close();
            // It serves one and ends by itself.
            process.waitFor(10, TimeUnit.SECONDS);
            return new Spoken(end, output);
        } finally {
            process.destroy();
            process.waitFor(10, TimeUnit.SECONDS);
        }
    }

    private static void awaitListening(int port) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (System.nanoTime() < deadline) {
            // In the kernel's table rather than by connecting, which would be a connection.
            String listening = String.format(":%04X 00000000:0000 0A", port);
            if (Files.readString(Path.of("/proc/net/tcp")).contains(listening)) {
                return;
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("nobody listens");
    }
}
