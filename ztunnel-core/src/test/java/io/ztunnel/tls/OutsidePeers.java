package io.ztunnel.tls;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A server of ours, and OpenSSL on the other side.
@Timeout(120)
abstract class OutsidePeers {
    static final SpiffeId CLIENT = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/client");
    static final SpiffeId SERVER = SpiffeId.parse("spiffe://cluster.local/ns/b/sa/server");

    @TempDir Path directory;
    final IssuingCa root = IssuingCa.root("O=cluster.local");
    final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    final TlsLoopback loopback = new TlsLoopback();
    IssuedCertificate client;

    @BeforeEach
    void files() throws Exception {
        client = root.issue(CLIENT.toString());
        write("client", client);
        Files.writeString(directory.resolve("root.pem"), IssuingCa.pem(root.certificate()));
    }

    void write(String name, IssuedCertificate issued) throws IOException {
        Files.writeString(directory.resolve(name + ".pem"), IssuingCa.pem(issued.leaf()));
        Files.writeString(directory.resolve(name + ".key"), IssuingCa.pem(issued.key()));
    }

    @AfterEach
    void stop() {
        loopback.close();
        contexts.close();
    }

    HeldCertificate server() {
        return new HeldCertificate(SERVER, root.issue(SERVER.toString()), 1);
    }

    int serve(TlsContexts with) {
        HeldCertificate certificate = server();
        return loopback.serve(channel -> with.server(certificate, channel.alloc()));
    }

    String openssl(int port, String... more) throws Exception {
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

    String run(List<String> command) throws Exception {
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

    String[] asClient(String name, String... more) {
        List<String> all =
                new ArrayList<>(
                        List.of("-cert", name + ".pem", "-key", name + ".key", "-alpn", "h2"));
        all.addAll(List.of(more));
        return all.toArray(new String[0]);
    }
}
