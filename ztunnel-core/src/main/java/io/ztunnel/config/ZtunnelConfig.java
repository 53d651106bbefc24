package io.ztunnel.config;

import io.ztunnel.mesh.IpAddress;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// Everything that was asked for, checked (docs/spec/config-observability-dns.md 1). Immutable.
///
/// @param metadata merged `proxyMetadata` and `ISTIO_META_` variables, prefix removed
/// @param proxyArgs the command line, space-joined, for the dump
public record ZtunnelConfig(
        Mode mode,
        ControlPlane controlPlane,
        Authority authority,
        Node node,
        Ports ports,
        Dns dns,
        Sockets sockets,
        Tunnels tunnels,
        Retry retry,
        Policies policies,
        Bounds bounds,
        Workers workers,
        Duration terminationDeadline,
        Logs logs,
        Cryptography cryptography,
        Map<String, String> metadata,
        String proxyArgs) {

    /// For a node's pods or for one pod.
    public enum Mode {
        SHARED,
        DEDICATED
    }

    /// Where the mesh is learned from.
    ///
    /// @param address null where xDS is off
    /// @param onDemand whether addresses are fetched when needed
    /// @param kept null where nothing is kept for the next start
    public record ControlPlane(
            @Nullable URI address,
            RootCertificates roots,
            @Nullable String alternativeHostname,
            @Nullable AuthToken token,
            List<Header> headers,
            boolean onDemand,
            @Nullable KeptState kept,
            @Nullable LocalSource local) {}

    /// Where the last known good state outlives the process.
    ///
    /// @param maxAge one second or more
    public record KeptState(Path directory, Duration maxAge) {}

    /// Where certificates come from.
    ///
    /// @param address null where there is none
    /// @param fake whether certificates are signed here, for tests
    public record Authority(
            @Nullable URI address,
            RootCertificates roots,
            @Nullable String alternativeHostname,
            @Nullable AuthToken token,
            List<Header> headers,
            boolean fake,
            Duration certificateLifetime,
            @Nullable Path revocationList) {}

    /// A further gRPC header; its value is a secret.
    public record Header(String name, String value) {
        @Override
        public String toString() {
            return name + ": (redacted)";
        }
    }

    /// How a server is verified.
    public sealed interface RootCertificates {
        record File(Path path) implements RootCertificates {}

        record SystemStore() implements RootCertificates {}

        record Inline(String pem) implements RootCertificates {}
    }

    /// What we prove ourselves with.
    public sealed interface AuthToken {
        /// Read again at each use.
        record File(Path path) implements AuthToken {}

        record Literal(String token) implements AuthToken {
            @Override
            public String toString() {
                return "(redacted)";
            }
        }
    }

    /// Static facts, read beside or instead of xDS.
    public sealed interface LocalSource {
        record File(Path path) implements LocalSource {}

        record Inline(String yaml) implements LocalSource {}
    }

    /// A pod as three names.
    public record PodIdentity(String namespace, String name, String serviceAccount) {}

    /// This proxy and its node.
    ///
    /// @param self this proxy's own pod, null unless all of its three names are known
    /// @param dedicatedPod the pod of dedicated mode, null in shared mode
    /// @param jsonMetadata `ISTIO_METAJSON_` variables, prefix removed, as they were written
    public record Node(
            String network,
            @Nullable String name,
            String clusterId,
            String clusterDomain,
            String trustDomain,
            @Nullable String podName,
            @Nullable String podNamespace,
            @Nullable String serviceAccount,
            @Nullable PodIdentity self,
            @Nullable PodIdentity dedicatedPod,
            String instanceIp,
            String istioVersion,
            @Nullable String preferredServiceNamespace,
            Map<String, String> jsonMetadata) {}

    /// The ports for humans and probes; those of traffic are fixed.
    public record Ports(int admin, int stats, int readiness) {
        public static final int INBOUND = 15008;
        public static final int INBOUND_PLAINTEXT = 15006;
        public static final int OUTBOUND = 15001;
        public static final int SOCKS5 = 15080;
    }

    /// @param host `localhost` (both loopback families) or an IP address
    /// @param resolver who is asked for names that the mesh does not know
    public record Dns(boolean enabled, String host, int port, Resolver resolver) {}

    /// This process's own `/etc/resolv.conf`, read once.
    ///
    /// @param domain null where the file has no `domain` line
    /// @param nameservers at most 3; at least one where the DNS proxy is on
    /// @param search domains in lower case, without the dot at the end
    /// @param dots the client's own affair, for the dump
    /// @param timeout of one question to one server, 1 to 30 s
    /// @param attempts how often a silent server is asked, 1 to 5
    public record Resolver(
            @Nullable String domain,
            List<IpAddress> nameservers,
            List<String> search,
            int dots,
            Duration timeout,
            int attempts) {}

    /// How sockets are made.
    ///
    /// @param proxy whether TCP is carried at all
    /// @param packetMark null for none
    /// @param originalSource true: must be kept, false: never, null: where possible
    public record Sockets(
            boolean proxy,
            Path inpodSocket,
            boolean reusePort,
            @Nullable Integer packetMark,
            @Nullable Boolean originalSource,
            boolean ipv6,
            boolean socks5,
            boolean localhostAppTunnel,
            boolean responseBaggage,
            boolean keepAlive,
            Duration keepAliveTime,
            Duration keepAliveInterval,
            int keepAliveRetries,
            boolean userTimeout) {}

    /// HTTP/2 sizes in bytes.
    ///
    /// @param expiryGrace how long a tunnel may stand after one of its certificates has expired
    public record Tunnels(
            long streamWindow,
            long connectionWindow,
            long frameSize,
            int maxStreamsPerConnection,
            Duration unusedTimeout,
            Duration expiryGrace) {}

    /// How other endpoints are tried where one fails before a byte was sent.
    ///
    /// @param attempts 1 to 10, the first included
    public record Retry(int attempts, Duration window, Duration attemptTimeout, Duration avoid) {}

    /// @param hold how long a policy that a local pod lists is waited for
    /// @param denyUnknown whether one that has not come denies everything
    public record Policies(Duration hold, boolean denyUnknown) {}

    /// What the whole node may have at once, and how long what is idle may stay. Zero durations
    /// are no limit.
    ///
    /// @param sockets null: what the descriptor limit allows
    /// @param bufferedBytes null: what direct memory allows
    /// @param dnsQueries DNS questions that wait for an answer from elsewhere
    /// @param podStopGrace for connections of a pod that is gone; zero: they are cut at once
    /// @param stuckAfter how long an event loop may not answer; zero: they are not watched
    public record Bounds(
            @Nullable Long sockets,
            long handshakes,
            @Nullable Long bufferedBytes,
            long dnsQueries,
            Duration outboundIdle,
            Duration inboundIdle,
            Duration passthroughIdle,
            Duration halfClosedIdle,
            Duration gonePeerGrace,
            Duration podStopGrace,
            Duration stuckAfter) {}

    /// @param count 1 or more event loops
    public record Workers(int count) {}

    /// @param filter of `RUST_LOG`, already known to be legal
    public record Logs(String filter, boolean json, boolean policyDecisionsAtInfo) {}

    /// What may be negotiated.
    public record Cryptography(boolean postQuantumOnly, boolean tls12) {}

    /// The ports that no connection may be sent to: our own.
    public List<Integer> illegalPorts() {
        return sockets.socks5()
                ? List.of(Ports.OUTBOUND, Ports.INBOUND_PLAINTEXT, Ports.INBOUND, Ports.SOCKS5)
                : List.of(Ports.OUTBOUND, Ports.INBOUND_PLAINTEXT, Ports.INBOUND);
    }
}
