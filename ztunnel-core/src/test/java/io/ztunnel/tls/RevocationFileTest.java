package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.tls.RevocationFile.Look;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;

/// The file of `CRL_PATH` through its life (docs/spec/identity-and-tls.md 6.2).
class RevocationFileTest {
    @TempDir Path folder;

    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final IssuedCertificate leaf = root.issue("spiffe://cluster.local/ns/a/sa/a");
    private final Revocations revocations = Revocations.off();
    private Path path;
    private RevocationFile file;

    @BeforeEach
    void name() {
        path = folder.resolve("ca-crl.pem");
        file = new RevocationFile(path, revocations);
    }

    private void write(String text) throws IOException {
        Path next = folder.resolve("next");
        Files.write(next, text.getBytes(US_ASCII));
        Files.move(next, path, StandardCopyOption.REPLACE_EXISTING);
    }

    /// A version is taken at the second look that finds it.
    private Look settled() {
        Look first = file.look();
        return first == Look.SAME ? file.look() : first;
    }

    private String revoking() {
        return CrlRequest.of(root).revoke(leaf.leaf()).pem();
    }

    @Test
    void E76_aMissingFileIsToleratedAndEnforcedOnceItIsThere() throws Exception {
        assertThat(file.load()).isEqualTo(Look.FAILED);
        assertThat(file.look()).isEqualTo(Look.FAILED);
        assertThat(file.look()).as("said once").isEqualTo(Look.SAME);
        write(revoking());
        assertThat(settled()).isEqualTo(Look.LOADED);
        assertThat(revocations.entries()).isEqualTo(1);
    }

    @Test
    void E77_aBadFileAtStartIsWatchedAllTheSame() throws Exception {
        write("not a valid CRL");
        assertThat(file.load()).isEqualTo(Look.FAILED);
        assertThat(revocations.lists()).isZero();
        write(revoking());
        assertThat(settled()).isEqualTo(Look.LOADED);
        assertThat(revocations.lists()).isEqualTo(1);
    }

    @Test
    void E78_anEmptyFileIsLegal() throws Exception {
        write("");
        assertThat(file.load()).isEqualTo(Look.LOADED);
        assertThat(revocations.lists()).isZero();
    }

    @Test
    void E88_aBadVersionLeavesTheLastGoodOneInForceAndIsSaidOnce() throws Exception {
        String good = revoking();
        write(good);
        assertThat(file.load()).isEqualTo(Look.LOADED);
        RevocationLists before = revocations.current();
        write(good + CrlRequest.of(root).pem().replaceFirst("-\nM", "-\nA"));
        assertThat(settled()).isEqualTo(Look.FAILED);
        for (int i = 0; i < 200; i++) {
            assertThat(file.look()).isEqualTo(Look.SAME);
        }
        assertThat(revocations.current()).isSameAs(before);
        Files.delete(path);
        assertThat(file.look()).isEqualTo(Look.FAILED);
        assertThat(revocations.current()).isSameAs(before);
        write(good);
        assertThat(settled()).as("nothing new in it").isEqualTo(Look.SAME);
        assertThat(revocations.current()).isSameAs(before);
    }

    @Test
    void E92_anEmptiedFileLiftsTheRevocations() throws Exception {
        write(revoking());
        file.load();
        write("");
        assertThat(settled()).isEqualTo(Look.LOADED);
        assertThat(revocations.entries()).isZero();
    }

    @Test
    void aVersionThatIsStillBeingWrittenIsNotTaken() throws Exception {
        write("");
        file.load();
        file.look();
        Files.writeString(path, revoking().substring(0, 100));
        assertThat(file.look()).isEqualTo(Look.SAME);
        Files.writeString(path, revoking() + revoking());
        assertThat(file.look()).isEqualTo(Look.SAME);
        assertThat(file.look()).isEqualTo(Look.LOADED);
    }

    /// Kubernetes swaps `..data`, a symbolic link to the directory of one version.
    @Test
    void theSwapOfASymbolicLinkIsSeen() throws Exception {
        Path first = Files.createDirectory(folder.resolve("..first"));
        Path second = Files.createDirectory(folder.resolve("..second"));
        Files.writeString(first.resolve("ca-crl.pem"), CrlRequest.of(root).pem());
        Files.writeString(second.resolve("ca-crl.pem"), revoking());
        Path data = folder.resolve("..data");
        Files.createSymbolicLink(data, first);
        Files.createSymbolicLink(path, data.resolve("ca-crl.pem"));
        assertThat(file.load()).isEqualTo(Look.LOADED);
        assertThat(revocations.entries()).isZero();

        Path next = folder.resolve("..data_tmp");
        Files.createSymbolicLink(next, second);
        Files.move(next, data, StandardCopyOption.ATOMIC_MOVE);
        assertThat(settled()).isEqualTo(Look.LOADED);
        assertThat(revocations.entries()).isEqualTo(1);
    }

    @Test
    void ourOwnCertificateOnTheListIsObjectedTo() throws Exception {
        HeldCertificate own =
                new HeldCertificate(SpiffeId.parse("spiffe://cluster.local/ns/a/sa/a"), leaf, 1);
        assertThat(revocations.objection(own, Instant.now())).isNull();
        write(revoking());
        file.load();
        assertThat(revocations.objection(own, Instant.now()))
                .contains(leaf.serial().toString(16), "O=cluster.local");
    }
}
