package io.ztunnel.dns;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/// How names are answered (docs/spec/config-observability-dns.md 1.4 and 6).
///
/// @param addresses where questions are taken, over UDP and TCP; `::1` counts only in pods whose
///     loopback speaks IPv6
/// @param servers who is asked for names that the mesh does not know, at least one
/// @param timeout of one question to one server
/// @param attempts how often a silent server is asked
public record DnsSettings(
        List<InetSocketAddress> addresses,
        Names names,
        List<InetSocketAddress> servers,
        Duration timeout,
        int attempts) {

    /// What names of the mesh are understood by.
    ///
    /// @param clusterDomain lower case, without the dot at the end
    /// @param preferredNamespace preferred among services of one name; null for none
    /// @param ipv6 whether AAAA records of the mesh are given
    /// @param search the domains that clients append; null where they are those of Kubernetes for
    ///     the client's namespace
    public record Names(
            String clusterDomain,
            @Nullable String preferredNamespace,
            boolean ipv6,
            @Nullable List<String> search) {}
}
