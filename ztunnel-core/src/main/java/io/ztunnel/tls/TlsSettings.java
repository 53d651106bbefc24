package io.ztunnel.tls;

import java.time.Duration;

/// How the mesh's TLS is done.
///
/// @param tls12 accept TLS 1.2 besides 1.3 (`TLS12_ENABLED`); not with [KeyExchange#PQC_ONLY],
///     whose group TLS 1.2 does not have
/// @param keyExchange groups of both directions
/// @param handshakeDeadline from the first byte to the proven peer; more than zero
/// @param expiryGrace how long a tunnel may stand after a certificate that it stands on has
///     expired; zero or more
public record TlsSettings(
        boolean tls12, KeyExchange keyExchange, Duration handshakeDeadline, Duration expiryGrace) {

    public static final TlsSettings DEFAULT =
            new TlsSettings(
                    false, KeyExchange.CLASSIC, Duration.ofSeconds(10), Duration.ofMinutes(5));

    public TlsSettings {
        if (!handshakeDeadline.isPositive()) {
            throw new IllegalArgumentException("handshake deadline must be more than zero");
        }
        if (expiryGrace.isNegative()) {
            throw new IllegalArgumentException("grace after expiry must not be negative");
        }
        if (tls12 && keyExchange == KeyExchange.PQC_ONLY) {
            throw new IllegalArgumentException(
                    "TLS12_ENABLED contradicts COMPLIANCE_POLICY=pqc: TLS 1.2 has no such group");
        }
    }

    String[] protocols() {
        return tls12 ? new String[] {"TLSv1.3", "TLSv1.2"} : new String[] {"TLSv1.3"};
    }
}
