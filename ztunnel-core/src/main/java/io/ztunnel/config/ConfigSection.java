package io.ztunnel.config;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.observe.DumpSection;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The settings as `/config_dump` shows them (docs/spec/config-observability-dns.md 2.3.6), keys in
/// alphabetical order, types as Kiali decodes them; settings of ours come in addition. Header
/// values are redacted.
public final class ConfigSection implements DumpSection {
    private final ZtunnelConfig config;

    public ConfigSection(ZtunnelConfig config) {
        this.config = config;
    }

    @Override
    public String name() {
        return "config";
    }

    @Override
    public void write(JsonGenerator json) throws IOException {
        boolean v6 = config.sockets().ipv6();
        json.writeStartObject();
        localhost(json, "adminAddr", config.ports().admin());
        json.writeStringField("altCaHostname", config.authority().alternativeHostname());
        json.writeStringField("altXdsHostname", config.controlPlane().alternativeHostname());
        json.writeBooleanField("authzPolicyInfoLogging", config.logs().policyDecisionsAtInfo());
        json.writeStringField("caAddress", text(config.authority().address()));
        headers(json, "caHeaders", config.authority().headers());
        roots(json, "caRootCert", config.authority().roots());
        json.writeStringField("clusterDomain", config.node().clusterDomain());
        json.writeStringField("clusterId", config.node().clusterId());
        json.writeStringField(
                "compliancePolicy", config.cryptography().postQuantumOnly() ? "pqc" : null);
        json.writeNumberField("connectionWindowSize", config.tunnels().connectionWindow());
        json.writeStringField("crlPath", text(config.authority().revocationList()));
        json.writeBooleanField("dnsProxy", config.dns().enabled());
        dnsAddress(json);
        resolver(json, config.dns().resolver());
        json.writeBooleanField("enableEnhancedBaggage", config.sockets().responseBaggage());
        json.writeBooleanField("fakeCa", config.authority().fake());
        json.writeBooleanField("fakeSelfInbound", false);
        json.writeNumberField("frameSize", config.tunnels().frameSize());
        duration(json, "gonePeerGrace", config.bounds().gonePeerGrace());
        duration(json, "halfClosedIdleTimeout", config.bounds().halfClosedIdle());
        json.writeArrayFieldStart("illegalPorts");
        for (int port : config.illegalPorts()) {
            json.writeNumber(port);
        }
        json.writeEndArray();
        json.writeStringField("inboundAddr", wildcard(v6, ZtunnelConfig.Ports.INBOUND));
        duration(json, "inboundIdleTimeout", config.bounds().inboundIdle());
        json.writeStringField(
                "inboundPlaintextAddr", wildcard(v6, ZtunnelConfig.Ports.INBOUND_PLAINTEXT));
        json.writeBooleanField("inpodPortReuse", config.sockets().reusePort());
        json.writeStringField("inpodUds", config.sockets().inpodSocket().toString());
        json.writeBooleanField("ipv6Enabled", v6);
        json.writeStringField("localNode", config.node().name());
        json.writeBooleanField("localhostAppTunnel", config.sockets().localhostAppTunnel());
        json.writeStringField("logFilter", config.logs().filter());
        json.writeStringField("logFormat", config.logs().json() ? "json" : "plain");
        number(json, "maxBufferedBytes", config.bounds().bufferedBytes());
        json.writeNumberField("maxDnsQueries", config.bounds().dnsQueries());
        json.writeNumberField("maxHandshakes", config.bounds().handshakes());
        number(json, "maxSockets", config.bounds().sockets());
        json.writeStringField("network", config.node().network());
        json.writeNumberField("numWorkerThreads", config.workers().count());
        json.writeStringField("outboundAddr", wildcard(v6, ZtunnelConfig.Ports.OUTBOUND));
        duration(json, "outboundAttemptTimeout", config.retry().attemptTimeout());
        duration(json, "outboundAvoidTime", config.retry().avoid());
        json.writeNumberField("outboundConnectAttempts", config.retry().attempts());
        duration(json, "outboundConnectWindow", config.retry().window());
        duration(json, "outboundIdleTimeout", config.bounds().outboundIdle());
        Integer mark = config.sockets().packetMark();
        if (mark == null) {
            json.writeNullField("packetMark");
        } else {
            json.writeNumberField("packetMark", Integer.toUnsignedLong(mark));
        }
        duration(json, "passthroughIdleTimeout", config.bounds().passthroughIdle());
        duration(json, "podStopGrace", config.bounds().podStopGrace());
        duration(json, "policyHold", config.policies().hold());
        json.writeNumberField("poolMaxStreamsPerConn", config.tunnels().maxStreamsPerConnection());
        duration(json, "poolUnusedReleaseTimeout", config.tunnels().unusedTimeout());
        json.writeStringField(
                "preferedServiceNamespace", config.node().preferredServiceNamespace());
        json.writeBooleanField("proxy", config.sockets().proxy());
        json.writeStringField("proxyArgs", config.proxyArgs());
        json.writeObjectFieldStart("proxyMetadata");
        for (Map.Entry<String, String> each : new TreeMap<>(config.metadata()).entrySet()) {
            json.writeStringField(each.getKey(), each.getValue());
        }
        json.writeEndObject();
        json.writeStringField(
                "proxyMode", config.mode() == ZtunnelConfig.Mode.SHARED ? "Shared" : "Dedicated");
        pod(json, "proxyWorkloadInformation", config.node().dedicatedPod());
        socket(json, "readinessAddr", wildcard(v6, config.ports().readiness()));
        Boolean originalSource = config.sockets().originalSource();
        if (originalSource == null) {
            json.writeNullField("requireOriginalSource");
        } else {
            json.writeBooleanField("requireOriginalSource", originalSource);
        }
        duration(json, "secretTtl", config.authority().certificateLifetime());
        duration(json, "selfTerminationDeadline", config.terminationDeadline());
        sockets(json);
        json.writeStringField(
                "socks5Addr",
                config.sockets().socks5() ? "127.0.0.1:" + ZtunnelConfig.Ports.SOCKS5 : null);
        socket(json, "statsAddr", wildcard(v6, config.ports().stats()));
        duration(json, "stuckAfter", config.bounds().stuckAfter());
        json.writeBooleanField("tls12Enabled", config.cryptography().tls12());
        duration(json, "tunnelExpiryGrace", config.tunnels().expiryGrace());
        json.writeStringField("unknownPolicy", config.policies().denyUnknown() ? "deny" : "allow");
        json.writeNumberField("windowSize", config.tunnels().streamWindow());
        json.writeStringField("xdsAddress", text(config.controlPlane().address()));
        headers(json, "xdsHeaders", config.controlPlane().headers());
        json.writeBooleanField("xdsOnDemand", config.controlPlane().onDemand());
        roots(json, "xdsRootCert", config.controlPlane().roots());
        ZtunnelConfig.KeptState kept = config.controlPlane().kept();
        json.writeStringField("xdsSnapshotDirectory", kept == null ? null : text(kept.directory()));
        if (kept == null) {
            json.writeNullField("xdsSnapshotMaxAge");
        } else {
            duration(json, "xdsSnapshotMaxAge", kept.maxAge());
        }
        ZtunnelConfig.PodIdentity self = config.node().self();
        json.writeStringField(
                "ztunnelIdentity",
                self == null
                        ? null
                        : "spiffe://%s/ns/%s/sa/%s"
                                .formatted(
                                        config.node().trustDomain(),
                                        self.namespace(),
                                        self.serviceAccount()));
        pod(json, "ztunnelWorkload", self);
        json.writeEndObject();
    }

    private void dnsAddress(JsonGenerator json) throws IOException {
        ZtunnelConfig.Dns dns = config.dns();
        if (dns.host().equals("localhost")) {
            localhost(json, "dnsProxyAddr", dns.port());
        } else {
            boolean v6 = dns.host().indexOf(':') >= 0;
            socket(
                    json,
                    "dnsProxyAddr",
                    (v6 ? "[" + dns.host() + "]" : dns.host()) + ":" + dns.port());
        }
    }

    private static void resolver(JsonGenerator json, ZtunnelConfig.Resolver resolver)
            throws IOException {
        json.writeObjectFieldStart("dnsResolverCfg");
        json.writeStringField("domain", resolver.domain());
        json.writeArrayFieldStart("name_servers");
        for (IpAddress server : resolver.nameservers()) {
            json.writeStartObject();
            json.writeArrayFieldStart("connections");
            for (String protocol : List.of("udp", "tcp")) {
                json.writeStartObject();
                json.writeNullField("bind_addr");
                json.writeNumberField("port", 53);
                json.writeObjectFieldStart("protocol");
                json.writeStringField("type", protocol);
                json.writeEndObject();
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeStringField("ip", server.toString());
            json.writeBooleanField("trust_negative_responses", true);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("search");
        for (String domain : resolver.search()) {
            json.writeString(domain);
        }
        json.writeEndArray();
        json.writeEndObject();
        json.writeObjectFieldStart("dnsResolverOpts");
        json.writeNumberField("attempts", resolver.attempts());
        json.writeNumberField("ndots", resolver.dots());
        json.writeNumberField("num_concurrent_reqs", 2);
        json.writeBooleanField("recursion_desired", true);
        json.writeNumberField("timeout", resolver.timeout().toSeconds());
        json.writeBooleanField("use_hosts_file", false);
        json.writeEndObject();
    }

    private void sockets(JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("socketConfig");
        json.writeBooleanField("keepaliveEnabled", config.sockets().keepAlive());
        duration(json, "keepaliveInterval", config.sockets().keepAliveInterval());
        json.writeNumberField("keepaliveRetries", config.sockets().keepAliveRetries());
        duration(json, "keepaliveTime", config.sockets().keepAliveTime());
        json.writeBooleanField("userTimeoutEnabled", config.sockets().userTimeout());
        json.writeEndObject();
    }

    private void localhost(JsonGenerator json, String name, int port) throws IOException {
        json.writeObjectFieldStart(name);
        json.writeArrayFieldStart("Localhost");
        json.writeBoolean(config.sockets().ipv6());
        json.writeNumber(port);
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void socket(JsonGenerator json, String name, String address) throws IOException {
        json.writeObjectFieldStart(name);
        json.writeStringField("SocketAddr", address);
        json.writeEndObject();
    }

    private static String wildcard(boolean v6, int port) {
        return (v6 ? "[::]:" : "0.0.0.0:") + port;
    }

    private static void duration(JsonGenerator json, String name, Duration value)
            throws IOException {
        json.writeObjectFieldStart(name);
        json.writeNumberField("nanos", value.getNano());
        json.writeNumberField("secs", value.getSeconds());
        json.writeEndObject();
    }

    private static void number(JsonGenerator json, String name, @Nullable Long value)
            throws IOException {
        if (value == null) {
            json.writeNullField(name);
        } else {
            json.writeNumberField(name, value);
        }
    }

    private static void headers(JsonGenerator json, String name, List<ZtunnelConfig.Header> headers)
            throws IOException {
        json.writeArrayFieldStart(name);
        for (ZtunnelConfig.Header header : headers) {
            json.writeStartArray();
            json.writeString(header.name());
            json.writeString("(redacted)");
            json.writeEndArray();
        }
        json.writeEndArray();
    }

    private static void roots(JsonGenerator json, String name, ZtunnelConfig.RootCertificates roots)
            throws IOException {
        switch (roots) {
            case ZtunnelConfig.RootCertificates.File file -> {
                json.writeObjectFieldStart(name);
                json.writeStringField("File", file.path().toString());
                json.writeEndObject();
            }
            case ZtunnelConfig.RootCertificates.SystemStore system ->
                    json.writeStringField(name, "Default");
            case ZtunnelConfig.RootCertificates.Inline inline ->
                    json.writeStringField(name, "Static");
        }
    }

    private static void pod(
            JsonGenerator json, String name, ZtunnelConfig.@Nullable PodIdentity pod)
            throws IOException {
        if (pod == null) {
            json.writeNullField(name);
            return;
        }
        json.writeObjectFieldStart(name);
        json.writeStringField("name", pod.name());
        json.writeStringField("namespace", pod.namespace());
        json.writeStringField("serviceAccount", pod.serviceAccount());
        json.writeEndObject();
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
