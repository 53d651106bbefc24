package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.identity.HeldCertificate;

import org.junit.jupiter.api.Test;

import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Servers that are not of our making (docs/spec/identity-and-tls.md 5.6, 10.3).
class OutsideServersIT extends OutsidePeers {
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
