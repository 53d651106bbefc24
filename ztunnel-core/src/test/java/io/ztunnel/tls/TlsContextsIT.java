package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// Both directions with our own handlers on both ends (docs/spec/identity-and-tls.md 5.5, 9.4).
@Timeout(60)
class TlsContextsIT {
    private static final AtomicLong GENERATIONS = new AtomicLong();
    private static final SpiffeId CLIENT = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/client");
    private static final SpiffeId SERVER = SpiffeId.parse("spiffe://cluster.local/ns/b/sa/server");

    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    private final TlsLoopback loopback = new TlsLoopback();

    @AfterEach
    void stop() {
        loopback.close();
        contexts.close();
    }

    private static HeldCertificate held(SpiffeId identity, IssuedCertificate issued) {
        return new HeldCertificate(identity, issued, GENERATIONS.incrementAndGet());
    }

    private HeldCertificate held(SpiffeId identity) {
        return held(identity, root.issue(identity.toString()));
    }

    private HeldCertificate held(SpiffeId identity, LeafRequest request) {
        return held(identity, root.issue(request));
    }

    private void serve(HeldCertificate certificate) {
        loopback.serve(channel -> contexts.server(certificate, channel.alloc()));
    }

    private TlsEnd connect(HeldCertificate certificate, SpiffeId... expected) {
        return loopback.connect(
                channel -> contexts.client(certificate, List.of(expected), channel.alloc()));
    }

    @Test
    void bothEndsProveWhoTheyAre() throws Exception {
        serve(held(SERVER));
        TlsEnd client = connect(held(CLIENT), SERVER);
        TlsEnd server = loopback.accepted();

        assertThat(client.proven().identity()).isEqualTo(SERVER);
        assertThat(server.proven().identity()).isEqualTo(CLIENT);
        assertThat(client.proven().version()).isEqualTo("TLSv1.3");
        assertThat(client.proven().group()).isEqualTo("X25519");
        assertThat(client.read.get()).isEqualTo("from server");
        assertThat(server.read.get()).isEqualTo("from client");
    }

    @Test
    void E62_serverUnderOneRootAndClientUnderAnotherBothTrustingBoth() throws Exception {
        IssuingCa other = IssuingCa.root("O=other");
        serve(held(SERVER, root.issue(LeafRequest.of(SERVER.toString()), other.certificate())));
        TlsEnd client =
                connect(
                        held(
                                CLIENT,
                                other.issue(LeafRequest.of(CLIENT.toString()), root.certificate())),
                        SERVER);

        assertThat(client.proven().identity()).isEqualTo(SERVER);
        assertThat(client.read.get()).isEqualTo("from server");
        assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
    }

    @Test
    void E63_aClientOfAnotherTrustDomainIsRefused() throws Exception {
        SpiffeId foreign = SpiffeId.parse("spiffe://clusterset.local/ns/a/sa/client");
        serve(held(SERVER));
        TlsEnd client = connect(held(foreign), SERVER);

        assertThat(loopback.accepted().failure())
                .isEqualTo(
                        "identity verification error: peer did not present the expected"
                                + " trustdomain (cluster.local), got "
                                + foreign);
        assertThat(client.afterwards()).containsIgnoringCase("certificate_unknown");
    }

    @Test
    void E64_aServerWithAnotherIdentityIsRefused() throws Exception {
        SpiffeId wanted = SpiffeId.parse("spiffe://cluster.local/ns/b/sa/wanted");
        serve(held(SERVER));
        TlsEnd client = connect(held(CLIENT), wanted);

        assertThat(client.failure())
                .isEqualTo(
                        "identity verification error: peer did not present the expected SAN ("
                                + wanted
                                + "), got "
                                + SERVER);
        assertThat(loopback.accepted().failure()).containsIgnoringCase("certificate_unknown");
    }

    @Test
    void E65_anEmptyListOfExpectedIdentitiesLetsNobodyPass() throws Exception {
        serve(held(SERVER));
        assertThat(connect(held(CLIENT)).failure())
                .startsWith(
                        "identity verification error: peer did not present the expected SAN ()");
    }

    @Test
    void E67_aPeerWithDnsNameOnlyHasNoIdentity() throws Exception {
        serve(held(SERVER, LeafRequest.of().dns("server.example")));
        assertThat(connect(held(CLIENT), SERVER).failure()).endsWith("(" + SERVER + "), got ");

        TlsLoopback inbound = new TlsLoopback();
        HeldCertificate server = held(SERVER);
        HeldCertificate nameless = held(CLIENT, LeafRequest.of().dns("client.example"));
        try (inbound) {
            inbound.serve(channel -> contexts.server(server, channel.alloc()));
            inbound.connect(channel -> contexts.client(nameless, List.of(SERVER), channel.alloc()));
            assertThat(inbound.accepted().failure()).contains("expected trustdomain");
        }
    }

    @Test
    void E68_theFirstNameThatParsesIsTheIdentity() throws Exception {
        serve(held(SERVER));
        TlsEnd client =
                connect(
                        held(CLIENT, LeafRequest.of("https://example.com/", CLIENT.toString())),
                        SERVER);

        assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
        assertThat(client.proven().identity()).isEqualTo(SERVER);
    }

    @Test
    void E70_aHybridOnlyServerRefusesAClassicClient() throws Exception {
        HeldCertificate server = held(SERVER);
        try (TlsContexts pqc = contexts(KeyExchange.PQC_ONLY)) {
            loopback.serve(channel -> pqc.server(server, channel.alloc()));
            assertThat(connect(held(CLIENT), SERVER).failure())
                    .containsIgnoringCase("handshake_failure");
        }
    }

    @Test
    void E71_aHybridOnlyServerAndAHybridClientAgree() throws Exception {
        HeldCertificate server = held(SERVER);
        HeldCertificate client = held(CLIENT);
        try (TlsContexts pqc = contexts(KeyExchange.PQC_ONLY);
                TlsContexts hybrid = contexts(KeyExchange.HYBRID_FIRST)) {
            loopback.serve(channel -> pqc.server(server, channel.alloc()));
            TlsEnd end =
                    loopback.connect(
                            channel -> hybrid.client(client, List.of(SERVER), channel.alloc()));
            assertThat(end.proven().group()).isEqualTo("X25519MLKEM768");
        }
    }

    private static TlsContexts contexts(KeyExchange groups) {
        return new TlsContexts(
                new TlsSettings(false, groups, Duration.ofSeconds(10), Duration.ZERO));
    }

    @Test
    void E74_aRotationTouchesOnlyNewConnections() throws Exception {
        HeldCertificate before = held(SERVER);
        HeldCertificate after = held(SERVER);
        HeldCertificate[] current = {before};
        loopback.serve(channel -> contexts.server(current[0], channel.alloc()));
        HeldCertificate client = held(CLIENT);
        TlsEnd first = connect(client, SERVER);
        assertThat(first.read.get()).isEqualTo("from server");
        current[0] = after;
        TlsEnd second = connect(client, SERVER);
        assertThat(second.read.get()).isEqualTo("from server");

        contexts.drop(before);
        assertThat(first.later).isNotDone();
        assertThat(contexts.size()).isEqualTo(2);
        // A worker that has not heard of the rotation yet is still served.
        current[0] = before;
        assertThat(connect(client, SERVER).read.get()).isEqualTo("from server");
        contexts.drop(after);
        contexts.drop(client);
        assertThat(contexts.size()).isZero();
    }

    @Test
    void E75_needlessCertificatesInTheChainDoNotMatter() throws Exception {
        IssuingCa intermediate = root.intermediate("CN=intermediate");
        IssuedCertificate issued = intermediate.issue(CLIENT.toString());
        HeldCertificate client =
                held(
                        CLIENT,
                        new IssuedCertificate(
                                issued.key(),
                                issued.leaf(),
                                List.of(
                                        IssuingCa.root("CN=junk").certificate(),
                                        intermediate.certificate()),
                                issued.roots()));
        serve(held(SERVER));
        connect(client, SERVER);

        assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
    }

    @Test
    void theClientShowsItsCertificateWhateverTheServerHintsAt() throws Exception {
        // The server trusts the client's root, but hints at both of its roots only.
        IssuingCa upper = root.intermediate("CN=upper");
        serve(held(SERVER));
        connect(held(CLIENT, upper.intermediate("CN=lower").issue(CLIENT.toString())), SERVER);

        assertThat(loopback.accepted().proven().identity()).isEqualTo(CLIENT);
    }

    /// Alerts of 5.6 as the refused client sees them.
    @Test
    void alert45_expiredClient() throws Exception {
        Instant now = Instant.now();
        refusedClient(
                held(
                        CLIENT,
                        LeafRequest.of(CLIENT.toString())
                                .valid(now.minusSeconds(7200), now.minusSeconds(60))),
                "certificate expired at",
                "certificate_expired");
    }

    @Test
    void alert45_clientNotYetValid() throws Exception {
        Instant now = Instant.now();
        refusedClient(
                held(
                        CLIENT,
                        LeafRequest.of(CLIENT.toString())
                                .valid(now.plusSeconds(3600), now.plusSeconds(7200))),
                "certificate is not valid before",
                "certificate_expired");
    }

    @Test
    void alert48_clientOfAnUnknownRoot() throws Exception {
        IssuedCertificate stranger =
                IssuingCa.root("O=stranger")
                        .issue(LeafRequest.of(CLIENT.toString()), root.certificate());
        refusedClient(held(CLIENT, stranger), "certificate does not chain", "unknown_ca");
    }

    @Test
    void alert51_clientUnderARootOfTheSameNameAndAnotherKey() throws Exception {
        IssuedCertificate forged =
                IssuingCa.root("O=cluster.local")
                        .issue(LeafRequest.of(CLIENT.toString()), root.certificate());
        refusedClient(held(CLIENT, forged), "", "decrypt_error");
    }

    @Test
    void alert43_clientWithAServersCertificate() throws Exception {
        refusedClient(
                held(CLIENT, LeafRequest.of(CLIENT.toString()).serverOnly()),
                "certificate is not for use as a CLIENT",
                "unsupported_certificate");
    }

    @Test
    void alert46_clientWithACaCertificate() throws Exception {
        refusedClient(
                held(CLIENT, LeafRequest.of(CLIENT.toString()).authority()),
                "a CA certificate was used as a leaf",
                "certificate_unknown");
    }

    private void refusedClient(HeldCertificate client, String text, String alert) throws Exception {
        serve(held(SERVER));
        TlsEnd end = connect(client, SERVER);
        assertThat(loopback.accepted().failure()).startsWith(text);
        assertThat(end.afterwards()).containsIgnoringCase(alert);
    }

    @Test
    void aServerThatNeverAnswersMeetsTheDeadline() throws Exception {
        HeldCertificate client = held(CLIENT);
        try (TlsContexts hurried =
                new TlsContexts(
                        new TlsSettings(
                                false,
                                KeyExchange.CLASSIC,
                                Duration.ofMillis(200),
                                Duration.ZERO))) {
            loopback.serve(channel -> new io.netty.channel.ChannelDuplexHandler());
            TlsEnd end =
                    loopback.connect(
                            channel -> hurried.client(client, List.of(SERVER), channel.alloc()));
            assertThat(end.failure()).contains("timed out");
        }
    }

    @Test
    void handlersThatAreNeverUsedLeaveNothingBehind() throws Exception {
        HeldCertificate certificate = held(CLIENT);
        var channel = new io.netty.channel.embedded.EmbeddedChannel();
        channel.pipeline().addLast(contexts.server(certificate, ByteBufAllocator.DEFAULT));
        channel.finishAndReleaseAll();
        contexts.drop(certificate);
        assertThat(contexts.size()).isZero();
    }
}
