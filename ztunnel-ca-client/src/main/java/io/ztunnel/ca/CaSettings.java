package io.ztunnel.ca;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// How to reach the CA and what to ask it for (docs/spec/identity-and-tls.md 2.1).
///
/// @param addresses tried in this order, `https` only; one that is down costs a failed connection
/// @param roots what the CA's server certificate must chain to
/// @param alternativeHostname accepted in the server certificate besides the host of the address
/// @param token who this node is
/// @param clusterId header `clusterid`
/// @param ttl validity to ask for; whole seconds, more than zero
/// @param headers further gRPC metadata per call, lower-case names; values may be secrets
/// @param impersonate ask for other identities than our own (shared mode); off in dedicated mode,
///     where the identity of the answer is the CA's choice
/// @param deadline for one attempt at one address
/// @param tls12 accept TLS 1.2 besides 1.3
/// @param groups key-exchange groups in order of preference, BoringSSL's names
public record CaSettings(
        List<URI> addresses,
        RootSource roots,
        @Nullable String alternativeHostname,
        TokenSource token,
        String clusterId,
        Duration ttl,
        Map<String, String> headers,
        boolean impersonate,
        Duration deadline,
        boolean tls12,
        List<String> groups) {

    /// What peers of the reference proxy offer, without the hybrid group.
    public static final List<String> CLASSIC_GROUPS = List.of("X25519", "P-256", "P-384");

    /// Hybrid only, the `pqc` policy. Needs BoringSSL.
    public static final List<String> PQC_GROUPS = List.of("X25519MLKEM768");

    public CaSettings {
        addresses = List.copyOf(addresses);
        headers = Map.copyOf(headers);
        groups = List.copyOf(groups);
        if (addresses.isEmpty()) {
            throw new IllegalArgumentException("no CA address: set CA_ADDRESS");
        }
        for (URI address : addresses) {
            if (!"https".equals(address.getScheme()) || address.getHost() == null) {
                throw new IllegalArgumentException(
                        "CA address must be https://host:port, is " + address);
            }
        }
        if (ttl.toSeconds() <= 0 || !deadline.isPositive()) {
            throw new IllegalArgumentException("ttl and deadline must be more than zero");
        }
        if (groups.isEmpty()) {
            throw new IllegalArgumentException("no key-exchange groups");
        }
    }

    /// Shared mode with the defaults of the contract: 24 hours, cluster `Kubernetes`, deadline 10
    /// s.
    public static CaSettings shared(URI address, RootSource roots, TokenSource token) {
        return new CaSettings(
                List.of(address),
                roots,
                null,
                token,
                "Kubernetes",
                Duration.ofHours(24),
                Map.of(),
                true,
                Duration.ofSeconds(10),
                false,
                CLASSIC_GROUPS);
    }

    /// An address as people write it: a missing scheme means `https`, a missing port 443.
    ///
    /// @throws IllegalArgumentException when it is empty or no address
    public static URI address(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("no CA address: set CA_ADDRESS");
        }
        return URI.create(text.contains("://") ? text : "https://" + text);
    }

    /// Header values are often credentials, so none of them is in the text.
    @Override
    public String toString() {
        return "CaSettings[addresses="
                + addresses
                + ", roots="
                + roots.getClass().getSimpleName()
                + ", clusterId="
                + clusterId
                + ", ttl="
                + ttl
                + ", headers="
                + headers.keySet()
                + ", impersonate="
                + impersonate
                + ", groups="
                + groups
                + "]";
    }
}
