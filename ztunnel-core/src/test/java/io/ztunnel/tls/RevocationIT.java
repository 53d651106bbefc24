package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.identity.Priority;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/// Revocation on real sessions: in the handshake and afterwards
/// (docs/spec/identity-and-tls.md 6.4, 9.5).
@Timeout(60)
class RevocationIT {
    private static final SpiffeId CLIENT = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/client");
    private static final SpiffeId SERVER = SpiffeId.parse("spiffe://cluster.local/ns/b/sa/server");

    private final AtomicInteger rejectedInbound = new AtomicInteger();
    private final AtomicInteger rejectedOutbound = new AtomicInteger();
    private final Revocations revocations =
            new Revocations(
                    inbound -> (inbound ? rejectedInbound : rejectedOutbound).incrementAndGet());
    private final AtomicReference<Instant> time = new AtomicReference<>(Instant.now());
    private final TlsContexts enforcing =
            new TlsContexts(TlsSettings.DEFAULT, revocations, (InstantSource) time::get);
    private final TlsContexts indifferent = new TlsContexts(TlsSettings.DEFAULT);
    private final TlsLoopback loopback = new TlsLoopback();
    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final IssuingCa intermediate = root.intermediate("CN=intermediate");
    private final HeldCertificate client = held(CLIENT, intermediate);
    private final HeldCertificate server = held(SERVER, intermediate);

    @AfterEach
    void stop() {
        loopback.close();
        enforcing.close();
        indifferent.close();
    }

    private static HeldCertificate held(SpiffeId identity, IssuingCa signer) {
        IssuedCertificate issued = signer.issue(LeafRequest.of(identity.toString()));
        return new HeldCertificate(identity, issued, 1);
    }

    private void serve(TlsContexts with) {
        loopback.serve(channel -> with.server(server, channel.alloc()));
    }

    private TlsEnd connect(TlsContexts with) {
        return loopback.connect(channel -> with.client(client, List.of(SERVER), channel.alloc()));
    }

    private void revoke(CrlRequest... lists) throws Exception {
        revocations.replace(RevocationListsTest.lists(lists));
    }

    private Standing standing(TlsEnd end) throws Exception {
        return end.channel()
                .eventLoop()
                .submit(() -> enforcing.standing(end.channel(), new Only(client)))
                .get(20, TimeUnit.SECONDS);
    }

    @Test
    void E80_row174_aRevokedServerIsRefused() throws Exception {
        revoke(CrlRequest.of(intermediate).revoke(server.leaf()));
        serve(indifferent);
        assertThat(connect(enforcing).failure())
                .isEqualTo(
                        "peer certificate revoked by CRL: serial "
                                + server.serial().toString(16)
                                + " of CN=intermediate");
        assertThat(loopback.accepted().failure()).containsIgnoringCase("certificate_revoked");
        assertThat(rejectedOutbound).hasValue(1);
        assertThat(rejectedInbound).hasValue(0);
    }

    @Test
    void E81_row177_aServerUnderARevokedIntermediateIsRefused() throws Exception {
        revoke(CrlRequest.of(root).revoke(intermediate.certificate()));
        serve(indifferent);
        assertThat(connect(enforcing).failure()).contains("of O=cluster.local");
    }

    @Test
    void E82_row173_aRevokedClientIsRefused() throws Exception {
        revoke(CrlRequest.of(intermediate).revoke(client.leaf()));
        serve(enforcing);
        TlsEnd end = connect(indifferent);
        assertThat(loopback.accepted().failure()).contains("peer certificate revoked by CRL");
        assertThat(end.afterwards()).containsIgnoringCase("certificate_revoked");
        assertThat(rejectedInbound).hasValue(1);
    }

    /// What was found before the lists came does not count any more.
    @Test
    void aPeerThatWasAcceptedBeforeIsJudgedAnew() throws Exception {
        serve(enforcing);
        assertThat(connect(indifferent).read.get()).isEqualTo("from server");
        assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
        revoke(CrlRequest.of(intermediate).revoke(client.leaf()));
        connect(indifferent);
        assertThat(loopback.accepted().failure()).contains("revoked");
        // Emptied again, row E92.
        revocations.replace(RevocationLists.NONE);
        assertThat(connect(indifferent).read.get()).isEqualTo("from server");
    }

    @Test
    void E94_E84_E85_row178_aStandingSessionEndsAlsoPastItsExpiry() throws Exception {
        serve(enforcing);
        TlsEnd out = connect(enforcing);
        out.proven();
        TlsEnd in = loopback.accepted();
        in.proven();
        revoke(CrlRequest.of(intermediate));
        assertThat(standing(out)).isEqualTo(Standing.FIRM);
        assertThat(standing(in)).isEqualTo(Standing.FIRM);

        time.set(Instant.now().plusSeconds(1_000_000));
        revoke(CrlRequest.of(intermediate).revoke(server.leaf()));
        assertThat(((Standing.Ended) standing(out)).cause().revoked()).isTrue();
        assertThat(((Standing.Ended) standing(in)).cause().revoked()).as("expired only").isFalse();
        assertThat(rejectedOutbound).hasValue(1);
        assertThat(rejectedInbound).hasValue(0);
    }

    @Test
    void E96_row177_theIntermediateOfAStandingSessionIsRevoked() throws Exception {
        serve(enforcing);
        TlsEnd out = connect(enforcing);
        out.proven();
        TlsEnd in = loopback.accepted();
        in.proven();
        revoke(CrlRequest.of(root).revoke(intermediate.certificate()));
        assertThat(((Standing.Ended) standing(out)).cause().detail()).contains("O=cluster.local");
        assertThat(standing(in)).isInstanceOf(Standing.Ended.class);
    }

    /// The lists change after the handshake and before anybody watches: the first look finds it.
    @Test
    void E97_row179_listsBetweenHandshakeAndRegistration() throws Exception {
        serve(indifferent);
        TlsEnd out = connect(enforcing);
        revoke(CrlRequest.of(intermediate).revoke(server.leaf()));
        out.handshake.exceptionally(refused -> null).get(20, TimeUnit.SECONDS);
        if (out.handshake.isCompletedExceptionally()) {
            assertThat(out.failure()).contains("revoked");
        } else {
            assertThat(standing(out)).isInstanceOf(Standing.Ended.class);
        }
    }

    @Test
    void row180_unrelatedEmptyOrMissingListsChangeNothing() throws Exception {
        serve(enforcing);
        for (RevocationLists lists :
                List.of(
                        RevocationLists.NONE,
                        RevocationLists.parse(new byte[0]),
                        RevocationListsTest.lists(CrlRequest.of(IssuingCa.root("O=other"))))) {
            revocations.replace(lists);
            TlsEnd out = connect(enforcing);
            assertThat(out.read.get()).isEqualTo("from server");
            assertThat(standing(out)).isEqualTo(Standing.FIRM);
        }
    }

    /// The path is kept from the handshake, so there is no certificate that could not be tracked: a
    /// leaf that does not parse does not come that far.
    @Test
    void E107_row182_aLeafThatDoesNotParseIsRefused() throws Exception {
        serve(enforcing);
        HeldCertificate garbled =
                new HeldCertificate(CLIENT, root.issue(LeafRequest.of().garbledNames()), 1);
        loopback.connect(channel -> indifferent.client(garbled, List.of(SERVER), channel.alloc()));
        assertThat(loopback.accepted().failure()).isNotEmpty();
    }

    /// Many sessions of one leaf share what is known of it, and nothing is left when they end: no
    /// register has to be tidied up.
    @Test
    void E99_E103_sessionsOfOneLeafShareOnePath() throws Exception {
        serve(enforcing);
        VerifiedPeer first = null;
        for (int i = 0; i < 3; i++) {
            TlsEnd out = connect(enforcing);
            out.proven();
            MeshTlsHandler handler = out.channel().pipeline().get(MeshTlsHandler.class);
            VerifiedPeer peer = handler.check().credentials().peer();
            assertThat(peer.path()).hasSize(2);
            if (first != null) {
                assertThat(peer).isSameAs(first);
            }
            first = peer;
        }
    }

    /// Holds one certificate.
    private record Only(HeldCertificate certificate) implements CertificateSource {
        @Override
        public void request(
                SpiffeId identity, Priority priority, Executor loop, Receiver receiver) {
            loop.execute(() -> receiver.onCertificate(certificate));
        }

        @Override
        public @Nullable HeldCertificate current(SpiffeId identity) {
            return identity.equals(certificate.identity()) ? certificate : null;
        }
    }
}
