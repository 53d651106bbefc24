package io.ztunnel.ca.testkit;

import io.grpc.Status;
import io.ztunnel.ca.proto.IstioCertificateRequest;

import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

import java.io.StringReader;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// How istiod signs and in which shape it answers (docs/spec/identity-and-tls.md 4.3).
///
/// @param moreRoots handed out besides the signer's root, in one element with it
record Issuance(IssuingCa signer, List<X509Certificate> moreRoots) {
    private static final Duration BACKDATE = Duration.ofMinutes(2);
    private static final Duration DEFAULT_TTL = Duration.ofHours(24);
    private static final Duration MAX_TTL = Duration.ofDays(90);

    static final class Failed extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient Status status;

        Failed(Status status) {
            super(status.toString());
            this.status = status;
        }

        Status status() {
            return status;
        }
    }

    List<String> sign(IstioCertificateRequest request, String identity, CaFault fault)
            throws Failed {
        PublicKey key = publicKey(request.getCsr());
        Duration ttl =
                request.getValidityDuration() <= 0
                        ? DEFAULT_TTL
                        : Duration.ofSeconds(request.getValidityDuration());
        if (ttl.compareTo(MAX_TTL) > 0) {
            throw new Failed(
                    Status.INVALID_ARGUMENT.withDescription(
                            "CSR signing error (requested TTL "
                                    + hours(ttl)
                                    + " is greater than the max allowed TTL "
                                    + hours(MAX_TTL)
                                    + ")"));
        }
        return answer(leaf(identity, key, ttl, fault), fault);
    }

    private X509Certificate leaf(String identity, PublicKey key, Duration ttl, CaFault fault) {
        Instant now = Instant.now();
        LeafRequest leaf =
                switch (fault) {
                    case WRONG_IDENTITY ->
                            LeafRequest.of("spiffe://cluster.local/ns/wrong/sa/wrong");
                    case FOREIGN_NAME_FIRST -> LeafRequest.of("https://example.com/", identity);
                    default -> LeafRequest.of(identity);
                };
        Instant end = now.plus(ttl);
        Instant signerEnd = signer.certificate().getNotAfter().toInstant();
        leaf.valid(now.minus(BACKDATE), end.isAfter(signerEnd) ? signerEnd : end);
        if (fault == CaFault.EXPIRED) {
            leaf.valid(now.minus(Duration.ofHours(1)), now.minus(Duration.ofMinutes(1)));
        } else if (fault == CaFault.NOT_YET_VALID) {
            leaf.valid(now.plus(Duration.ofHours(1)), now.plus(Duration.ofHours(2)));
        }
        leaf.publicKey = fault == CaFault.WRONG_KEY ? IssuingCa.p256().getPublic() : key;
        return signer.sign(leaf);
    }

    private List<String> answer(X509Certificate leaf, CaFault fault) {
        StringBuilder roots = new StringBuilder();
        if (fault == CaFault.FOREIGN_ROOT) {
            roots.append(IssuingCa.pem(IssuingCa.root("O=elsewhere").certificate()));
        } else {
            roots.append(IssuingCa.pem(signer.rootCertificate()));
            moreRoots.forEach(root -> roots.append(IssuingCa.pem(root)));
        }
        if (fault == CaFault.KEY_IN_ROOT) {
            roots.append(IssuingCa.pem(IssuingCa.p256().getPrivate()));
        }
        List<String> middle = new ArrayList<>();
        signer.chain().forEach(ca -> middle.add(IssuingCa.pem(ca)));
        List<String> answer = new ArrayList<>();
        switch (fault) {
            case EMPTY_CHAIN -> {}
            case GARBAGE -> answer.addAll(List.of("certificate? no.", "neither"));
            case NO_ROOT -> answer.add(IssuingCa.pem(leaf));
            case MIDDLE_IN_ONE_ELEMENT -> {
                answer.add(IssuingCa.pem(leaf));
                answer.add(String.join("", middle));
                answer.add(roots.toString());
            }
            default -> {
                answer.add(IssuingCa.pem(leaf));
                answer.addAll(middle);
                answer.add(roots.toString());
            }
        }
        return answer;
    }

    private static PublicKey publicKey(String pem) throws Failed {
        try (PEMParser parser = new PEMParser(new StringReader(pem))) {
            if (parser.readObject() instanceof PKCS10CertificationRequest parsed) {
                PublicKey key = new JcaPKCS10CertificationRequest(parsed).getPublicKey();
                if (parsed.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
                    return key;
                }
            }
        } catch (Exception e) {
            throw csrError(e.toString());
        }
        throw csrError("no request, or its signature is wrong");
    }

    private static Failed csrError(String why) {
        return new Failed(
                Status.INVALID_ARGUMENT.withDescription("CSR signing error (" + why + ")"));
    }

    private static String hours(Duration duration) {
        return duration.toHours()
                + "h"
                + duration.toMinutesPart()
                + "m"
                + duration.toSecondsPart()
                + "s";
    }
}
