package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.tls.PathValidation.Usage;
import io.ztunnel.tls.PeerRejected.Reason;

import org.bouncycastle.asn1.ASN1Integer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.security.cert.CRLException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The rules of docs/spec/identity-and-tls.md 6.1 and 6.3, on validated paths.
class RevocationListsTest {
    private static final String WHO = "spiffe://cluster.local/ns/a/sa/a";

    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final IssuingCa intermediate = root.intermediate("CN=intermediate");

    static RevocationLists lists(CrlRequest... requests) throws CRLException {
        StringBuilder pem = new StringBuilder();
        for (CrlRequest each : requests) {
            pem.append(each.pem());
        }
        return RevocationLists.parse(pem.toString().getBytes(US_ASCII));
    }

    private static VerifiedPeer path(IssuedCertificate issued) throws PeerRejected {
        return validate(issued, RevocationLists.NONE, Usage.CLIENT);
    }

    private static VerifiedPeer validate(
            IssuedCertificate issued, RevocationLists lists, Usage usage) throws PeerRejected {
        List<X509Certificate> presented = new ArrayList<>(List.of(issued.leaf()));
        presented.addAll(issued.intermediates());
        return PathValidation.validate(presented, issued.roots(), usage, Instant.now(), lists);
    }

    private static @Nullable Reason verdict(RevocationLists lists, IssuedCertificate issued)
            throws PeerRejected {
        PeerRejected no = lists.judge(path(issued), Usage.CLIENT);
        return no == null ? null : no.reason();
    }

    @Test
    void E79_onePemListIsOneList() throws Exception {
        RevocationLists lists = lists(CrlRequest.of(root).revoke(root.issue(WHO).leaf()));
        assertThat(lists.size()).isEqualTo(1);
        assertThat(lists.entries()).isEqualTo(1);
    }

    @Test
    void E78_anEmptyFileAndOneWithoutListsRevokeNothing() throws Exception {
        assertThat(RevocationLists.parse(new byte[0]).isEmpty()).isTrue();
        assertThat(
                        RevocationLists.parse(IssuingCa.pem(root.certificate()).getBytes(US_ASCII))
                                .isEmpty())
                .isTrue();
    }

    @Test
    void derIsOneListAndPemMayMixItsBlocks() throws Exception {
        IssuedCertificate leaf = root.issue(WHO);
        byte[] der = CrlRequest.of(root).revoke(leaf.leaf()).der();
        assertThat(verdict(RevocationLists.parse(der), leaf)).isEqualTo(Reason.REVOKED);

        String mixed =
                IssuingCa.pem(root.certificate())
                        + CrlRequest.of(intermediate).pem()
                        + IssuingCa.pem(intermediate.certificate())
                        + CrlRequest.of(root).revoke(leaf.leaf()).pem();
        RevocationLists lists = RevocationLists.parse(mixed.getBytes(US_ASCII));
        assertThat(lists.size()).isEqualTo(2);
        assertThat(verdict(lists, leaf)).isEqualTo(Reason.REVOKED);
    }

    @Test
    void E77_otherContentIsRefused() {
        assertThatThrownBy(() -> RevocationLists.parse("not a valid CRL".getBytes(US_ASCII)))
                .isInstanceOf(CRLException.class)
                .hasMessageStartingWith("list 1: ");
    }

    @Test
    void E88_oneDamagedListOfTwoSpoilsTheFile() {
        String good = CrlRequest.of(root).pem();
        String damaged = CrlRequest.of(intermediate).pem().replaceFirst("-\nM", "-\nA");
        assertThatThrownBy(() -> RevocationLists.parse((good + damaged).getBytes(US_ASCII)))
                .isInstanceOf(CRLException.class)
                .hasMessageStartingWith("list 2: ");
        assertThatThrownBy(
                        () ->
                                RevocationLists.parse(
                                        (good + good.substring(0, 90)).getBytes(US_ASCII)))
                .hasMessageContaining("list 2: PEM block has no end");
        assertThatThrownBy(
                        () ->
                                RevocationLists.parse(
                                        good.replaceFirst("-\nM", "-\n?").getBytes(US_ASCII)))
                .hasMessageContaining("list 1: PEM is damaged");
    }

    @Test
    void kindsOfListsThatAreNotAccepted() {
        assertThatThrownBy(() -> lists(CrlRequest.of(root).bare()))
                .hasMessageContaining("no extensions");
        assertThatThrownBy(
                        () -> lists(CrlRequest.of(root).critical("1.2.3.4.5", new ASN1Integer(1))))
                .hasMessageContaining("unknown critical extension");
        assertThatThrownBy(
                        () -> lists(CrlRequest.of(root).critical("2.5.29.27", new ASN1Integer(1))))
                .hasMessageContaining("is a delta");
    }

    @Test
    void aListForAuthoritiesDoesNotSpeakOfLeavesNorTheOtherWayRound() throws Exception {
        IssuedCertificate leaf = root.issue(WHO);
        assertThat(verdict(lists(CrlRequest.of(root).only(true).revoke(leaf.leaf())), leaf))
                .isNull();
        assertThat(verdict(lists(CrlRequest.of(root).only(false).revoke(leaf.leaf())), leaf))
                .isEqualTo(Reason.REVOKED);
        IssuedCertificate below = intermediate.issue(WHO);
        assertThat(
                        verdict(
                                lists(
                                        CrlRequest.of(root)
                                                .only(false)
                                                .revoke(intermediate.certificate())),
                                below))
                .isNull();
    }

    @Test
    void E93_namesAndSerialsAgreeBetweenListAndCertificate() throws Exception {
        IssuedCertificate listed = root.issue(LeafRequest.of(WHO).serial(99));
        IssuedCertificate other = root.issue(LeafRequest.of(WHO).serial(100));
        RevocationLists lists = lists(CrlRequest.of(root).revoke(listed.leaf()));

        assertThat(listed.leaf().getIssuerX500Principal().getEncoded())
                .isEqualTo(root.certificate().getSubjectX500Principal().getEncoded());
        assertThat(verdict(lists, listed)).isEqualTo(Reason.REVOKED);
        assertThat(verdict(lists, other)).isNull();
    }

    @Test
    void serialsOfAllSizesAreFound() throws Exception {
        for (long serial : new long[] {1, 127, 128, 255, 256, 32_768, Long.MAX_VALUE}) {
            IssuedCertificate leaf = root.issue(LeafRequest.of(WHO).serial(serial));
            assertThat(verdict(lists(CrlRequest.of(root).revoke(leaf.leaf())), leaf))
                    .as("serial %s", serial)
                    .isEqualTo(Reason.REVOKED);
        }
    }

    @Test
    void E89_aStaleListIsUsedAllTheSame() throws Exception {
        IssuedCertificate leaf = root.issue(WHO);
        RevocationLists lists = lists(CrlRequest.of(root).stale().revoke(leaf.leaf()));
        assertThat(lists.staleAt(Instant.now())).isEqualTo(1);
        assertThat(verdict(lists, leaf)).isEqualTo(Reason.REVOKED);
    }

    @Test
    void E90_aListOfSomebodyElseSaysNothing() throws Exception {
        IssuingCa stranger = IssuingCa.root("O=stranger");
        IssuedCertificate leaf = root.issue(WHO);
        assertThat(verdict(lists(CrlRequest.of(stranger).revoke(leaf.leaf())), leaf)).isNull();
    }

    @Test
    void E91_aListOfTheRightNameAndAnotherKeyIsARefusal() throws Exception {
        IssuingCa impostor = IssuingCa.root("O=cluster.local");
        IssuedCertificate leaf = root.issue(WHO);
        RevocationLists lists = lists(CrlRequest.of(root).signedBy(impostor).revoke(leaf.leaf()));

        assertThat(lists.judge(path(leaf), Usage.CLIENT).reason())
                .isEqualTo(Reason.REVOCATION_UNKNOWN);
        assertThat(lists.judge(path(leaf), Usage.SERVER).reason()).isEqualTo(Reason.BAD_PATH);
    }

    /// Two CAs of one name publish their lists in one file while one follows the other.
    @Test
    void listsOfOneNameAreToldApartByTheirKeys() throws Exception {
        IssuingCa next = IssuingCa.root("O=cluster.local");
        IssuedCertificate old = root.issue(LeafRequest.of(WHO).serial(7));
        IssuedCertificate fresh = next.issue(LeafRequest.of(WHO).serial(7));
        RevocationLists lists = lists(CrlRequest.of(root).revoke(old.leaf()), CrlRequest.of(next));

        assertThat(verdict(lists, old)).isEqualTo(Reason.REVOKED);
        assertThat(verdict(lists, fresh)).isNull();
    }

    @Test
    void anIssuerThatMayNotSignListsIsARefusal() throws Exception {
        // A leaf's key usage has no cRLSign, so its owner as a CA may sign certificates only.
        IssuingCa limited = root.intermediateWithoutCrlSign("CN=limited");
        IssuedCertificate leaf = limited.issue(WHO);
        assertThat(verdict(lists(CrlRequest.of(limited)), leaf))
                .isEqualTo(Reason.REVOCATION_UNKNOWN);
    }

    @Test
    void E95_theLeafIsRevokedByItsRoot() throws Exception {
        IssuedCertificate leaf = root.issue(WHO);
        assertThat(verdict(lists(CrlRequest.of(root).revoke(leaf.leaf())), leaf))
                .isEqualTo(Reason.REVOKED);
    }

    @Test
    void E100_E104_theRootRevokesTheIntermediateAndWithItAllLeaves() throws Exception {
        RevocationLists lists = lists(CrlRequest.of(root).revoke(intermediate.certificate()));
        for (int i = 0; i < 3; i++) {
            assertThat(verdict(lists, intermediate.issue(WHO))).isEqualTo(Reason.REVOKED);
        }
        assertThat(verdict(lists, root.issue(WHO))).isNull();
    }

    @Test
    void E101_theIntermediateRevokesItsLeaf() throws Exception {
        IssuedCertificate leaf = intermediate.issue(WHO);
        RevocationLists lists = lists(CrlRequest.of(intermediate).revoke(leaf.leaf()));
        assertThat(verdict(lists, leaf)).isEqualTo(Reason.REVOKED);
        assertThat(verdict(lists, intermediate.issue(WHO))).isNull();
    }

    @Test
    void E102_ofTwoIntermediatesOfOneNameOnlyTheRevokedOneFalls() throws Exception {
        IssuingCa twin = root.intermediate("CN=intermediate");
        RevocationLists lists = lists(CrlRequest.of(root).revoke(intermediate.certificate()));
        assertThat(verdict(lists, intermediate.issue(WHO))).isEqualTo(Reason.REVOKED);
        assertThat(verdict(lists, twin.issue(WHO))).isNull();
    }

    @Test
    void E105_revocationAboveAnotherIntermediateCounts() throws Exception {
        IssuedCertificate leaf = intermediate.intermediate("CN=lower").issue(WHO);
        assertThat(verdict(lists(CrlRequest.of(root).revoke(intermediate.certificate())), leaf))
                .isEqualTo(Reason.REVOKED);
    }

    @Test
    void E106_anotherSerialChangesNothing() throws Exception {
        assertThat(
                        verdict(
                                lists(CrlRequest.of(root).revoke(root.issue(WHO).leaf())),
                                root.issue(WHO)))
                .isNull();
    }

    @Test
    void E108_junkThatIsPresentedAlongDoesNotHideTheRevocation() throws Exception {
        IssuedCertificate issued = intermediate.issue(WHO);
        IssuedCertificate presented =
                new IssuedCertificate(
                        issued.key(),
                        issued.leaf(),
                        List.of(
                                IssuingCa.root("CN=junk").certificate(),
                                intermediate.certificate()),
                        issued.roots());
        assertThat(verdict(lists(CrlRequest.of(intermediate).revoke(issued.leaf())), presented))
                .isEqualTo(Reason.REVOKED);
    }

    /// A peer whose one path is revoked may have another: each is judged by itself.
    @Test
    void anotherPathThatIsNotRevokedIsTaken() throws Exception {
        IssuingCa other = IssuingCa.root("O=other");
        IssuingCa crossed = other.crossSign(intermediate);
        IssuedCertificate issued = intermediate.issue(WHO);
        IssuedCertificate both =
                new IssuedCertificate(
                        issued.key(),
                        issued.leaf(),
                        Arrays.asList(intermediate.certificate(), crossed.certificate()),
                        List.of(root.certificate(), other.certificate()));
        RevocationLists lists = lists(CrlRequest.of(root).revoke(intermediate.certificate()));

        assertThat(validate(both, lists, Usage.CLIENT).anchor()).isEqualTo(other.certificate());
        assertThatThrownBy(() -> validate(issued, lists, Usage.CLIENT))
                .isInstanceOf(PeerRejected.class)
                .hasMessageContaining("peer certificate revoked by CRL");
    }
}
