package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.tls.PathValidation.Usage;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.random.RandomGenerator;

/// How long a tunnel stands on the certificates of its handshake.
class CredentialsTest {
    private static final SpiffeId OWN = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/own");
    private static final SpiffeId PEER = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/peer");
    private static final Duration GRACE = Duration.ofMinutes(5);

    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);

    /// @param own until ours expires
    /// @param peer until the peer's does
    private Credentials credentials(Usage usage, Duration own, Duration peer, double dice)
            throws PeerRejected {
        HeldCertificate held = new HeldCertificate(OWN, root.issue(lasting(OWN, own)), 1);
        VerifiedPeer verified =
                PathValidation.validate(
                        List.of(root.issue(lasting(PEER, peer)).leaf()),
                        List.of(root.certificate()),
                        usage,
                        now,
                        RevocationLists.NONE);
        RandomGenerator random =
                new RandomGenerator() {
                    @Override
                    public long nextLong() {
                        return 0;
                    }

                    @Override
                    public double nextDouble() {
                        return dice;
                    }
                };
        return new Credentials(held, verified, usage, RevocationLists.NONE, now, random);
    }

    private LeafRequest lasting(SpiffeId who, Duration time) {
        return LeafRequest.of(who.toString()).valid(now.minusSeconds(120), now.plus(time));
    }

    private Standing at(Credentials credentials, Duration after, boolean renewed) {
        return credentials.standing(RevocationLists.NONE, now.plus(after), GRACE, renewed);
    }

    private static Duration hours(long hours) {
        return Duration.ofHours(hours);
    }

    @Test
    void noTunnelOutlivesThePeersCertificateByMoreThanTheGrace() throws Exception {
        for (Usage usage : Usage.values()) {
            Credentials it = credentials(usage, hours(24), hours(10), 0.5);
            assertThat(at(it, hours(8), false)).isInstanceOf(Standing.Firm.class);
            assertThat(at(it, hours(9), false)).isInstanceOf(Standing.Leaving.class);
            assertThat(at(it, hours(10).plus(GRACE).minusSeconds(1), false))
                    .isInstanceOf(Standing.Leaving.class);
            Standing end = at(it, hours(10).plus(GRACE), false);
            assertThat(end).isInstanceOf(Standing.Ended.class);
            assertThat(((Standing.Ended) end).cause().revoked()).isFalse();
            assertThat(((Standing.Ended) end).cause().detail())
                    .startsWith("the peer's certificate expires at");
        }
    }

    @Test
    void norOurs() throws Exception {
        Credentials it = credentials(Usage.CLIENT, hours(10), hours(24), 0.5);
        assertThat(at(it, hours(9), false)).isInstanceOf(Standing.Leaving.class);
        Standing end = at(it, hours(11), false);
        assertThat(((Standing.Ended) end).cause().detail())
                .startsWith("our certificate expires at");
    }

    @Test
    void tunnelsThatWereMadeTogetherDoNotLeaveTogether() throws Exception {
        Credentials first = credentials(Usage.CLIENT, hours(10), hours(24), 0);
        Credentials last = credentials(Usage.CLIENT, hours(10), hours(24), 0.999);
        assertThat(at(first, hours(8).plusMinutes(1), false)).isInstanceOf(Standing.Leaving.class);
        assertThat(at(last, hours(8).plusMinutes(55), false)).isInstanceOf(Standing.Firm.class);
        assertThat(at(last, hours(9).plusMinutes(1), false)).isInstanceOf(Standing.Leaving.class);
    }

    @Test
    void aRenewalLetsTheTunnelGoAfterAWhile() throws Exception {
        Credentials it = credentials(Usage.SERVER, hours(12), hours(24), 0);
        assertThat(at(it, hours(1), true)).isInstanceOf(Standing.Firm.class);
        assertThat(at(it, hours(1).plusSeconds(59), true)).isInstanceOf(Standing.Firm.class);
        assertThat(at(it, hours(1).plusSeconds(60), true))
                .isEqualTo(new Standing.Leaving("our certificate was renewed"));

        Credentials later = credentials(Usage.SERVER, hours(12), hours(24), 0.999);
        assertThat(at(later, hours(1), true)).isInstanceOf(Standing.Firm.class);
        assertThat(at(later, hours(1).plusSeconds(290), true)).isInstanceOf(Standing.Firm.class);
        assertThat(at(later, hours(1).plusSeconds(300), true)).isInstanceOf(Standing.Leaving.class);
    }

    @Test
    void withShortCertificatesTheWhileIsShortToo() throws Exception {
        Credentials it =
                credentials(Usage.SERVER, Duration.ofSeconds(60), Duration.ofSeconds(60), 0.5);
        assertThat(at(it, Duration.ofSeconds(30), true)).isInstanceOf(Standing.Firm.class);
        assertThat(at(it, Duration.ofSeconds(46), true)).isInstanceOf(Standing.Leaving.class);
    }

    @Test
    void row178_E94_aRevocationCountsWhateverHasExpiredMeanwhile() throws Exception {
        Credentials it = credentials(Usage.CLIENT, hours(24), hours(10), 0.5);
        RevocationLists lists =
                RevocationListsTest.lists(CrlRequest.of(root).revoke(it.peer().path().getFirst()));
        Standing end = it.standing(lists, now.plus(hours(48)), GRACE, false);
        assertThat(((Standing.Ended) end).cause().revoked()).isTrue();
        assertThat(((Standing.Ended) end).cause())
                .hasMessage("connection closed: peer certificate revoked by CRL");
    }

    @Test
    void E98_onlyOtherListsThatRevokeItEndATunnel() throws Exception {
        Credentials it = credentials(Usage.CLIENT, hours(24), hours(24), 0.5);
        RevocationLists unrelated =
                RevocationListsTest.lists(CrlRequest.of(IssuingCa.root("O=stranger")));
        RevocationLists forged =
                RevocationListsTest.lists(
                        CrlRequest.of(root)
                                .signedBy(IssuingCa.root("O=stranger"))
                                .revoke(it.peer().path().getFirst()));
        RevocationLists other =
                RevocationListsTest.lists(
                        CrlRequest.of(root).revoke(root.issue(OWN.toString()).leaf()));
        RevocationLists revoking =
                RevocationListsTest.lists(CrlRequest.of(root).revoke(it.peer().path().getFirst()));
        for (RevocationLists lists :
                List.of(RevocationLists.NONE, unrelated, forged, other, RevocationLists.NONE)) {
            assertThat(it.standing(lists, now, GRACE, false)).isEqualTo(Standing.FIRM);
        }
        assertThat(it.standing(revoking, now, GRACE, false)).isInstanceOf(Standing.Ended.class);
    }
}
