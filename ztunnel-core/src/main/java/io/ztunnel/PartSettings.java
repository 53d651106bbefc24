package io.ztunnel;

import io.ztunnel.ca.CaSettings;
import io.ztunnel.ca.RootSource;
import io.ztunnel.ca.TokenSource;
import io.ztunnel.config.ZtunnelConfig;
import io.ztunnel.dns.DnsSettings;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.BookSettings;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.outbound.OutboundSettings;
import io.ztunnel.pod.PodSettings;
import io.ztunnel.policy.UnknownPolicies;
import io.ztunnel.route.RouteSettings;
import io.ztunnel.tls.KeyExchange;
import io.ztunnel.tls.TlsSettings;
import io.ztunnel.worker.IdleLimits;
import io.ztunnel.worker.WorkerBudget;
import io.ztunnel.xds.BearerToken;
import io.ztunnel.xds.LastKnownGood;
import io.ztunnel.xds.NodeDescription;
import io.ztunnel.xds.TransportSettings;
import io.ztunnel.xds.TrustAnchors;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What was asked for, in the words of the parts. The only place where the two vocabularies meet.
record PartSettings(ZtunnelConfig config) {

    /// Longest a handshake may take; upstream has no limit (docs/spec/dataplane.md 9.4).
    private static final Duration HANDSHAKE = Duration.ofSeconds(10);

    /// How long changes are gathered before the kept state is written anew, as a whole.
    private static final Duration KEPT_AFTER = Duration.ofSeconds(10);

    /// How long istiod may take to answer before a start goes on with what was kept.
    private static final Duration KEPT_SERVED_AFTER = Duration.ofSeconds(5);

    private static final Duration CA_CALL = Duration.ofSeconds(10);

    PodSettings pods() {
        ZtunnelConfig.Sockets sockets = config.sockets();
        boolean shared = config.mode() == ZtunnelConfig.Mode.SHARED;
        return new PodSettings(
                routes(),
                tunnels(),
                new SocketSettings(
                        sockets.packetMark() == null ? 0 : sockets.packetMark(),
                        sockets.keepAlive(),
                        sockets.keepAliveTime(),
                        sockets.keepAliveInterval(),
                        sockets.keepAliveRetries(),
                        sockets.userTimeout()),
                shared,
                shared && sockets.reusePort(),
                transparent(sockets.originalSource()),
                sockets.ipv6(),
                sockets.responseBaggage(),
                config.logs().policyDecisionsAtInfo(),
                config.policies().denyUnknown() ? UnknownPolicies.DENY : UnknownPolicies.PASS_OVER,
                retry(),
                false,
                socks(),
                config.dns().enabled() ? dns() : null);
    }

    private DnsSettings dns() {
        ZtunnelConfig.Resolver resolver = config.dns().resolver();
        int port = config.dns().port();
        List<InetSocketAddress> addresses = new ArrayList<>();
        if (config.dns().host().equals("localhost")) {
            addresses.add(address(IpAddress.parse("127.0.0.1"), port));
            if (config.sockets().ipv6()) {
                addresses.add(address(IpAddress.parse("::1"), port));
            }
        } else {
            addresses.add(address(IpAddress.parse(config.dns().host()), port));
        }
        return new DnsSettings(
                addresses,
                new DnsSettings.Names(
                        domain(config.node().clusterDomain()),
                        config.node().preferredServiceNamespace(),
                        config.sockets().ipv6(),
                        // A node's pods differ from this process, one pod does not.
                        config.mode() == ZtunnelConfig.Mode.SHARED ? null : resolver.search()),
                resolver.nameservers().stream().map(server -> address(server, 53)).toList(),
                resolver.timeout(),
                resolver.attempts());
    }

    private static InetSocketAddress address(IpAddress ip, int port) {
        return new InetSocketAddress(ip.toInetAddress(), port);
    }

    private static String domain(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    private PodSettings.Socks socks() {
        if (!config.sockets().socks5()) {
            return PodSettings.Socks.OFF;
        }
        return config.dns().enabled() ? PodSettings.Socks.NAMES : PodSettings.Socks.ADDRESSES;
    }

    private OutboundSettings.Retry retry() {
        ZtunnelConfig.Retry retry = config.retry();
        return new OutboundSettings.Retry(
                retry.attempts(), retry.window(), retry.attemptTimeout(), retry.avoid());
    }

    /// Whether addresses have to be asked for: a local file tells all it knows.
    boolean onDemand() {
        return config.controlPlane().onDemand() && config.controlPlane().address() != null;
    }

    TransportSettings controlPlane(URI address) {
        ZtunnelConfig.ControlPlane plane = config.controlPlane();
        Map<String, String> headers = new HashMap<>();
        plane.headers().forEach(header -> headers.put(header.name(), header.value()));
        if (plane.token() != null) {
            headers.put("clusterid", config.node().clusterId());
        }
        return new TransportSettings(
                address,
                switch (plane.roots()) {
                    case ZtunnelConfig.RootCertificates.File file ->
                            new TrustAnchors.InFile(file.path());
                    case ZtunnelConfig.RootCertificates.Inline inline ->
                            new TrustAnchors.Pem(inline.pem());
                    case ZtunnelConfig.RootCertificates.SystemStore _ ->
                            new TrustAnchors.OfSystem();
                },
                plane.alternativeHostname(),
                switch (plane.token()) {
                    case null -> BearerToken.none();
                    case ZtunnelConfig.AuthToken.File file -> BearerToken.inFile(file.path());
                    case ZtunnelConfig.AuthToken.Literal literal ->
                            BearerToken.fixed(literal.token());
                },
                headers,
                config.cryptography().tls12(),
                Duration.ofSeconds(5),
                Duration.ofSeconds(30),
                Duration.ofSeconds(10),
                200 << 20);
    }

    /// Where the last known good state is kept; null where it is not.
    LastKnownGood.@Nullable Settings kept() {
        ZtunnelConfig.KeptState kept = config.controlPlane().kept();
        return kept == null
                ? null
                : new LastKnownGood.Settings(
                        kept.directory(), kept.maxAge(), KEPT_AFTER, KEPT_SERVED_AFTER);
    }

    NodeDescription node() {
        ZtunnelConfig.Node node = config.node();
        return new NodeDescription(
                node.instanceIp(),
                orEmpty(node.podName()),
                orEmpty(node.podNamespace()),
                orEmpty(node.name()),
                config.metadata(),
                JsonMetadata.parse(node.jsonMetadata()));
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    RouteSettings routes() {
        return new RouteSettings(
                config.node().network(),
                ZtunnelConfig.Ports.INBOUND,
                Set.copyOf(config.illegalPorts()),
                config.sockets().localhostAppTunnel(),
                onDemand());
    }

    TunnelSettings tunnels() {
        ZtunnelConfig.Tunnels tunnels = config.tunnels();
        return TunnelSettings.builder()
                .streamWindow((int) tunnels.streamWindow())
                .connectionWindow((int) tunnels.connectionWindow())
                .receiveBudget((int) tunnels.connectionWindow())
                .maxFrameSize((int) tunnels.frameSize())
                .streamsPerTunnel(tunnels.maxStreamsPerConnection())
                .unusedRelease(tunnels.unusedTimeout())
                .build();
    }

    /// @param descriptors the process may have; negative where not known
    /// @param directMemory bytes
    WorkerBudget.Limits budget(long descriptors, long directMemory) {
        ZtunnelConfig.Bounds bounds = config.bounds();
        long open = descriptors < 0 ? 1024 : descriptors;
        // The rest is for files, namespaces, the admin's ports and tunnels to others.
        long sockets = Math.max(64, open - Math.max(128, open / 10));
        return new WorkerBudget.Limits(
                bounds.sockets() == null ? sockets : bounds.sockets(),
                bounds.handshakes(),
                bounds.bufferedBytes() == null ? directMemory / 4 : bounds.bufferedBytes(),
                bounds.dnsQueries());
    }

    IdleLimits idle() {
        ZtunnelConfig.Bounds bounds = config.bounds();
        return new IdleLimits(
                bounds.outboundIdle(),
                bounds.inboundIdle(),
                bounds.passthroughIdle(),
                bounds.halfClosedIdle(),
                bounds.gonePeerGrace());
    }

    TlsSettings tls() {
        return new TlsSettings(
                config.cryptography().tls12(),
                keyExchange(),
                HANDSHAKE,
                config.tunnels().expiryGrace());
    }

    BookSettings book() {
        return BookSettings.DEFAULT;
    }

    CaSettings certificateAuthority() {
        ZtunnelConfig.Authority authority = config.authority();
        URI address = authority.address();
        if (address == null) {
            throw new IllegalArgumentException(
                    "CA_ADDRESS is empty, but pods need certificates: set it to the address of"
                            + " istiod");
        }
        return new CaSettings(
                List.of(address),
                roots(authority.roots()),
                authority.alternativeHostname(),
                token(authority.token()),
                config.node().clusterId(),
                authority.certificateLifetime(),
                authority.headers().stream()
                        .collect(
                                Collectors.toMap(
                                        ZtunnelConfig.Header::name,
                                        ZtunnelConfig.Header::value,
                                        (first, last) -> last)),
                config.mode() == ZtunnelConfig.Mode.SHARED,
                CA_CALL,
                config.cryptography().tls12(),
                keyExchange().groups());
    }

    private KeyExchange keyExchange() {
        return config.cryptography().postQuantumOnly() ? KeyExchange.PQC_ONLY : KeyExchange.CLASSIC;
    }

    private static Transparent transparent(@Nullable Boolean originalSource) {
        if (originalSource == null) {
            return Transparent.BEST_EFFORT;
        }
        return originalSource ? Transparent.REQUIRED : Transparent.OFF;
    }

    private static RootSource roots(ZtunnelConfig.RootCertificates roots) {
        return switch (roots) {
            case ZtunnelConfig.RootCertificates.File file -> new RootSource.PemFile(file.path());
            case ZtunnelConfig.RootCertificates.Inline inline -> new RootSource.Pem(inline.pem());
            case ZtunnelConfig.RootCertificates.SystemStore _ -> new RootSource.SystemStore();
        };
    }

    private static TokenSource token(ZtunnelConfig.@Nullable AuthToken token) {
        return switch (token) {
            case null -> new TokenSource.Anonymous();
            case ZtunnelConfig.AuthToken.File file -> new TokenSource.TokenFile(file.path(), false);
            case ZtunnelConfig.AuthToken.Literal literal ->
                    new TokenSource.Literal(literal.token());
        };
    }
}
