package io.ztunnel.identity;

import io.ztunnel.ca.CertificateAuthority;
import io.ztunnel.ca.CertificateRefusal;
import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;

import org.jspecify.annotations.Nullable;

import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Signs at once, by a test's clock. One key and one certificate per second for all identities: a
/// book does not look inside, and a year of real keys would take minutes.
final class ScriptedCa implements CertificateAuthority {
    private static final KeyPair KEYS = IssuingCa.p256();

    final List<String> asked = new ArrayList<>();
    final List<Instant> askedAt = new ArrayList<>();
    private final Map<Instant, IssuedCertificate> issued = new HashMap<>();
    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final InstantSource clock;

    Duration lifetime = Duration.ofSeconds(100);
    Duration backdate = Duration.ZERO;
    Duration roundedTo = Duration.ofSeconds(1);
    @Nullable String failure;
    int closed;
    int trustChecks;

    ScriptedCa(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public IssuedCertificate sign(String spiffeId) throws CertificateRefusal {
        asked.add(spiffeId.substring(spiffeId.lastIndexOf('/') + 1));
        askedAt.add(clock.instant());
        if (failure != null) {
            throw new CertificateRefusal(
                    CertificateRefusal.Side.CONNECTION, failure, "try again", null);
        }
        long step = roundedTo.toSeconds();
        Instant from =
                Instant.ofEpochSecond(clock.instant().getEpochSecond() / step * step)
                        .minus(backdate);
        return issued.computeIfAbsent(
                from,
                start ->
                        root.issue(
                                LeafRequest.of("spiffe://cluster.local/ns/any/sa/any")
                                        .keys(KEYS)
                                        .valid(start, start.plus(backdate).plus(lifetime))));
    }

    @Override
    public void checkTrust() {
        trustChecks++;
    }

    @Override
    public void close() {
        closed++;
    }
}
