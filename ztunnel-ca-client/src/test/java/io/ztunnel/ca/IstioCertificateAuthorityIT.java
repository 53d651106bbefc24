package io.ztunnel.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Metadata;
import io.grpc.Status;
import io.ztunnel.ca.CertificateRefusal.Side;
import io.ztunnel.ca.testkit.CaFault;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer.Caller;
import io.ztunnel.ca.testkit.NodeAuthorizer.Pod;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;

/// Against the local CA over real gRPC and TLS (docs/spec/identity-and-tls.md 9.2).
@Timeout(60)
class IstioCertificateAuthorityIT {
    private static final String SLEEP = "spiffe://cluster.local/ns/ns1/sa/sleep";

    @TempDir Path directory;
    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private LocalCa ca;
    private Path rootFile;
    private Path tokenFile;

    @BeforeEach
    void start() throws Exception {
        ca = LocalCa.start(root);
        allow(ca);
        rootFile = Files.writeString(directory.resolve("root-cert.pem"), ca.rootPem());
        tokenFile = Files.writeString(directory.resolve("token"), "good");
    }

    private static void allow(LocalCa ca) {
        ca.authorizer()
                .tokens
                .put("good", new Caller("Kubernetes", "istio-system", "ztunnel", "zt-1", "uid-1"));
        ca.authorizer()
                .pods
                .addAll(
                        List.of(
                                new Pod(
                                        "Kubernetes",
                                        "istio-system",
                                        "zt-1",
                                        "uid-1",
                                        "ztunnel",
                                        "node1"),
                                new Pod(
                                        "Kubernetes",
                                        "ns1",
                                        "sleep-1",
                                        "uid-2",
                                        "sleep",
                                        "node1")));
    }

    @AfterEach
    void stop() throws Exception {
        ca.close();
    }

    private CaSettings settings() {
        return CaSettings.shared(
                ca.address(),
                new RootSource.PemFile(rootFile),
                new TokenSource.TokenFile(tokenFile, false));
    }

    private static CaSettings with(
            CaSettings base,
            List<URI> addresses,
            @Nullable String alternative,
            Map<String, String> headers,
            boolean impersonate,
            Duration deadline) {
        return new CaSettings(
                addresses,
                base.roots(),
                alternative,
                base.token(),
                base.clusterId(),
                base.ttl(),
                headers,
                impersonate,
                deadline,
                base.tls12(),
                base.groups());
    }

    private IssuedCertificate sign() throws Exception {
        return sign(settings());
    }

    private static IssuedCertificate sign(CaSettings settings) throws Exception {
        try (var authority = new IstioCertificateAuthority(settings)) {
            return authority.sign(SLEEP);
        }
    }

    private CertificateRefusal refusal() {
        return refusal(settings());
    }

    private static CertificateRefusal refusal(CaSettings settings) {
        return catchThrowableOfType(CertificateRefusal.class, () -> sign(settings));
    }

    @Test
    void E14_leafAndRootForTheRequestedIdentity() throws Exception {
        IssuedCertificate issued = sign();

        assertThat(issued.roots()).containsExactly(root.certificate());
        assertThat(issued.intermediates()).isEmpty();
        assertThat(issued.leaf().getSubjectAlternativeNames().toString()).contains(SLEEP);
        assertThat(issued.toString()).doesNotContain(issued.key().toString());
        assertThat(Duration.between(issued.notBefore(), issued.notAfter()))
                .isBetween(Duration.ofHours(24), Duration.ofHours(24).plusMinutes(3));
        Metadata headers = ca.calls().getFirst().headers();
        assertThat(header(headers, "authorization")).isEqualTo("Bearer good");
        assertThat(header(headers, "clusterid")).isEqualTo("Kubernetes");
        var request = ca.calls().getFirst().request();
        assertThat(request.getValidityDuration()).isEqualTo(86_400);
        assertThat(request.getMetadata().getFieldsMap()).containsOnlyKeys("ImpersonatedIdentity");
    }

    @Test
    void E16_intermediatesKeepTheirOrder() throws Exception {
        IssuingCa upper = root.intermediate("CN=upper");
        IssuingCa lower = upper.intermediate("CN=lower");
        ca.rotate(lower);

        IssuedCertificate issued = sign();

        assertThat(issued.intermediates())
                .containsExactly(lower.certificate(), upper.certificate());
        assertThat(issued.roots()).containsExactly(root.certificate());
    }

    @Test
    void E17_twoRootsInTheLastElementAreBothAnchors() throws Exception {
        IssuingCa other = IssuingCa.root("O=other");
        ca.rotate(root, other.certificate());

        assertThat(sign().roots()).containsExactly(root.certificate(), other.certificate());
    }

    @Test
    void E18_anElementWithSeveralCertificatesIsTakenWhole() throws Exception {
        IssuingCa upper = root.intermediate("CN=upper");
        IssuingCa lower = upper.intermediate("CN=lower");
        ca.rotate(lower);
        ca.fault(CaFault.MIDDLE_IN_ONE_ELEMENT);

        assertThat(sign().intermediates())
                .containsExactly(lower.certificate(), upper.certificate());
    }

    /// Rows E12, E13, E15, E19, E69, and what the reference proxy does not look at.
    @ParameterizedTest
    @CsvSource({
        "EMPTY_CHAIN, chain returned from CA is empty for: " + SLEEP,
        "WRONG_IDENTITY, did not find expected SAN: " + SLEEP,
        "FOREIGN_NAME_FIRST, did not find expected SAN: " + SLEEP,
        "NO_ROOT, failed to create CSR: invalid root certificate: no root certificate present",
        "KEY_IN_ROOT, failed to create CSR: root certificate: expected a certificate",
        "GARBAGE, failed to create CSR: certificate: no certificate in the first element",
        "WRONG_KEY, certificate from the CA is for another key",
        "EXPIRED, certificate from the CA has already expired",
        "FOREIGN_ROOT, certificate from the CA does not chain to a root of its answer"
    })
    void E12_E13_E15_E19_E69_anAnswerNobodyCouldUseIsRefused(CaFault fault, String text) {
        ca.fault(fault);

        CertificateRefusal refusal = refusal();

        assertThat(refusal.text()).startsWith(text);
        assertThat(refusal.side()).isEqualTo(Side.AUTHORITY);
        assertThat(refusal.remedy()).isNotEmpty();
    }

    @Test
    void aLeafThatBecomesValidSoonIsAccepted() throws Exception {
        ca.fault(CaFault.NOT_YET_VALID);

        assertThat(sign().notBefore()).isAfter(InstantSource.system().instant());
    }

    @Test
    void E20_theStatusOfTheCaIsTold() {
        ca.refuse(Status.UNAUTHENTICATED.withDescription("request authenticate failure"));

        CertificateRefusal refusal = refusal();

        assertThat(refusal.text())
                .isEqualTo(
                        "signing gRPC error (The request does not have valid authentication"
                                + " credentials): request authenticate failure");
        assertThat(refusal.side()).isEqualTo(Side.AUTHORITY);
    }

    @Test
    void E21_anEmptyTokenFileFailsBeforeAnythingIsSent() throws Exception {
        Files.writeString(tokenFile, "");

        CertificateRefusal refusal = refusal();

        assertThat(refusal.text()).isEqualTo("token file exists, but was empty");
        assertThat(refusal.side()).isEqualTo(Side.NODE);
        assertThat(ca.calls()).isEmpty();
    }

    /// Stricter upstream: there every call fails.
    @Test
    void E22_aFinalNewlineOfTheTokenIsDropped() throws Exception {
        Files.writeString(tokenFile, "good\n");

        sign();

        assertThat(header(ca.calls().getFirst().headers(), "authorization"))
                .isEqualTo("Bearer good");
    }

    @Test
    void E23_aReplacedTokenIsUsedByTheNextCall() throws Exception {
        try (var authority = new IstioCertificateAuthority(settings())) {
            authority.sign(SLEEP);
            Files.writeString(tokenFile, "unknown-to-the-ca");
            assertThatThrownBy(() -> authority.sign(SLEEP))
                    .isInstanceOf(CertificateRefusal.class)
                    .hasMessageEndingWith("request authenticate failure")
                    .hasMessageNotContaining("unknown-to-the-ca");
        }
    }

    /// Better than upstream, which stays unauthenticated until a restart.
    @Test
    void E24_anOptionalTokenThatAppearsLaterIsUsed() throws Exception {
        Path late = directory.resolve("late");
        CaSettings settings =
                CaSettings.shared(
                        ca.address(),
                        new RootSource.PemFile(rootFile),
                        new TokenSource.TokenFile(late, true));
        try (var authority = new IstioCertificateAuthority(settings)) {
            assertThatThrownBy(() -> authority.sign(SLEEP))
                    .hasMessageEndingWith("request authenticate failure");
            assertThat(header(ca.calls().getFirst().headers(), "clusterid")).isNull();
            Files.writeString(late, "good");
            authority.sign(SLEEP);
        }
    }

    @Test
    void E26_E27_E28_aNewRootFileIsUsedAndGarbageIsNot() throws Exception {
        IssuingCa other = IssuingCa.root("O=other");
        try (LocalCa moved = LocalCa.start(other)) {
            allow(moved);
            CaSettings settings =
                    with(
                            settings(),
                            List.of(moved.address()),
                            null,
                            Map.of(),
                            true,
                            Duration.ofSeconds(10));
            try (var authority = new IstioCertificateAuthority(settings)) {
                assertThatThrownBy(() -> authority.sign(SLEEP))
                        .hasMessageStartingWith("signing gRPC error (The service is currently");
                Files.writeString(rootFile, moved.rootPem());
                authority.sign(SLEEP);
                Files.writeString(rootFile, "-----BEGIN CERTIFICATE-----\nAAAA");
                authority.sign(SLEEP);
                authority.checkTrust();
                Files.writeString(rootFile, root.certificate().toString());
                authority.sign(SLEEP);
                Files.writeString(rootFile, ca.rootPem());
                assertThatThrownBy(() -> authority.sign(SLEEP))
                        .hasMessageStartingWith("signing gRPC error (The service is currently");
            }
        }
    }

    @Test
    void E29_furtherHeadersAreSent() throws Exception {
        sign(
                with(
                        settings(),
                        List.of(ca.address()),
                        null,
                        Map.of("header_baz", "baz"),
                        true,
                        Duration.ofSeconds(10)));

        assertThat(header(ca.calls().getFirst().headers(), "header_baz")).isEqualTo("baz");
    }

    @Test
    void E33_inDedicatedModeTheIdentityIsTheCasChoice() throws Exception {
        IssuedCertificate issued =
                sign(
                        with(
                                settings(),
                                List.of(ca.address()),
                                null,
                                Map.of(),
                                false,
                                Duration.ofSeconds(10)));

        assertThat(issued.leaf().getSubjectAlternativeNames().toString())
                .contains("spiffe://cluster.local/ns/istio-system/sa/ztunnel");
        assertThat(ca.calls().getFirst().request().hasMetadata()).isFalse();
    }

    @Test
    void theNextAddressIsTriedWhenOneIsDown() throws Exception {
        int nobody;
        try (ServerSocket socket = new ServerSocket(0)) {
            nobody = socket.getLocalPort();
        }
        List<URI> addresses = List.of(URI.create("https://localhost:" + nobody), ca.address());

        sign(with(settings(), addresses, null, Map.of(), true, Duration.ofSeconds(10)));

        assertThat(ca.calls()).hasSize(1);
    }

    @Test
    void aCaThatNeverAnswersMeetsTheDeadlineAndTheNextIsTried() throws Exception {
        try (LocalCa silent = LocalCa.start(root)) {
            silent.fault(CaFault.SILENT);
            List<URI> both = List.of(silent.address(), ca.address());
            sign(with(settings(), both, null, Map.of(), true, Duration.ofSeconds(2)));
            assertThat(silent.calls()).hasSize(1);

            CertificateRefusal refusal =
                    refusal(
                            with(
                                    settings(),
                                    List.of(silent.address()),
                                    null,
                                    Map.of(),
                                    true,
                                    Duration.ofMillis(500)));
            assertThat(refusal.text())
                    .startsWith("signing gRPC error (Deadline expired before operation");
            assertThat(refusal.side()).isEqualTo(Side.CONNECTION);
        }
    }

    @Test
    void aRefusalIsNotTakenToTheNextAddress() throws Exception {
        try (LocalCa second = LocalCa.start(root)) {
            ca.refuse(Status.PERMISSION_DENIED);
            List<URI> both = List.of(ca.address(), second.address());
            refusal(with(settings(), both, null, Map.of(), true, Duration.ofSeconds(10)));
            assertThat(second.calls()).isEmpty();
        }
    }

    @Test
    void theServerMustBeNamedLikeTheAddressOrTheAlternative() throws Exception {
        try (LocalCa elsewhere =
                LocalCa.start(
                        new java.net.InetSocketAddress("127.0.0.1", 0),
                        "cluster.local",
                        root,
                        ca.authorizer(),
                        List.of("istiod.example"))) {
            List<URI> address = List.of(elsewhere.address());
            Duration deadline = Duration.ofSeconds(10);
            CertificateRefusal refusal =
                    refusal(with(settings(), address, null, Map.of(), true, deadline));
            assertThat(refusal.text()).contains("certificate of the CA is not for localhost");
            assertThat(refusal.side()).isEqualTo(Side.CONNECTION);
            sign(with(settings(), address, "istiod.example", Map.of(), true, deadline));
        }
    }

    @Test
    void anAddressLiteralIsComparedWithAddressNames() throws Exception {
        List<URI> literal = List.of(URI.create("https://127.0.0.1:" + ca.port()));
        sign(with(settings(), literal, null, Map.of(), true, Duration.ofSeconds(10)));
    }

    private static @Nullable String header(Metadata headers, String name) {
        return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }
}
