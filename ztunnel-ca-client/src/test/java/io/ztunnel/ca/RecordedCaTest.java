package io.ztunnel.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.grpc.Status;
import io.ztunnel.ca.proto.IstioCertificateRequest;
import io.ztunnel.ca.proto.IstioCertificateResponse;

import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Conversations of the real client with istiod's CA, replayed: every answer is judged as it was
/// then, every refusal becomes the text that the dump showed (vectors/ca).
class RecordedCaTest {
    private static final Path VECTORS = Path.of("src/test/resources/vectors/ca");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> cases() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> directories = Files.list(VECTORS)) {
            for (Path directory : directories.sorted().toList()) {
                if (Files.exists(directory.resolve("messages/sequence.json"))) {
                    tests.add(
                            DynamicTest.dynamicTest(
                                    directory.getFileName().toString(), () -> replay(directory)));
                }
            }
        }
        assertThat(tests).hasSize(10);
        return tests.stream();
    }

    private static void replay(Path directory) throws Exception {
        boolean dedicated = directory.getFileName().toString().startsWith("08");
        Set<String> states = new TreeSet<>();
        for (JsonNode line : JSON.readTree(directory.resolve("state/certificates.json").toFile())) {
            states.add(line.get("state").asText());
        }
        Map<Integer, IstioCertificateRequest> asked = new HashMap<>();
        int accepted = 0;
        int refused = 0;
        for (JsonNode event : JSON.readTree(directory.resolve("messages/sequence.json").toFile())) {
            if (event.path("direction").asText().equals("request")) {
                IstioCertificateRequest request =
                        IstioCertificateRequest.parseDelimitedFrom(bytes(directory, event));
                checkRequest(request, dedicated);
                asked.put(event.get("stream").asInt(), request);
            } else if (event.path("direction").asText().equals("response")) {
                accept(
                        asked.get(event.get("stream").asInt()),
                        IstioCertificateResponse.parseDelimitedFrom(bytes(directory, event)),
                        dedicated);
                accepted++;
            } else if (event.has("grpcMessage")) {
                Status status =
                        Status.fromCode(code(event.get("grpcStatus").asText()))
                                .withDescription(event.get("grpcMessage").asText());
                String text = GrpcRefusal.of(status, null).text();
                assertThat(states).contains("Unavailable: " + text);
                refused++;
            }
        }
        assertThat(accepted + refused).isPositive();
        assertThat(accepted > 0).isEqualTo(states.contains("Available"));
    }

    private static InputStream bytes(Path directory, JsonNode event) throws IOException {
        return new ByteArrayInputStream(
                Files.readAllBytes(
                        directory.resolve("messages/" + event.get("file").asText() + ".pb")));
    }

    private static Status.Code code(String camel) {
        return Status.Code.valueOf(
                camel.replaceAll("([a-z])([A-Z])", "$1_$2").toUpperCase(Locale.ROOT));
    }

    /// What the real client sent has the shape of what we send.
    private static void checkRequest(IstioCertificateRequest request, boolean dedicated)
            throws Exception {
        assertThat(csr(request).getSubject().getRDNs()).isEmpty();
        assertThat(request.getValidityDuration()).isPositive();
        assertThat(request.hasMetadata()).isEqualTo(!dedicated);
    }

    private static PKCS10CertificationRequest csr(IstioCertificateRequest request)
            throws IOException {
        try (PEMParser parser = new PEMParser(new StringReader(request.getCsr()))) {
            return (PKCS10CertificationRequest) parser.readObject();
        }
    }

    private static void accept(
            IstioCertificateRequest request, IstioCertificateResponse answer, boolean dedicated)
            throws Exception {
        // The private key was not recorded; only its public half is compared.
        KeyPair keys =
                new KeyPair(
                        new JcaPKCS10CertificationRequest(csr(request)).getPublicKey(),
                        SigningRequest.of("spiffe://td/ns/n/sa/s").keys().getPrivate());
        String identity =
                dedicated
                        ? "spiffe://any/ns/any/sa/any"
                        : request.getMetadata()
                                .getFieldsOrThrow("ImpersonatedIdentity")
                                .getStringValue();
        Instant then =
                PemCertificates.parse(answer.getCertChain(0))
                        .getFirst()
                        .getNotBefore()
                        .toInstant()
                        .plusSeconds(121);
        IssuedCertificate issued =
                CaAnswer.accept(answer.getCertChainList(), keys, identity, !dedicated, then);
        assertThat(issued.intermediates()).hasSize(answer.getCertChainCount() - 2);
        assertThat(issued.roots()).isNotEmpty();
    }
}
