package io.ztunnel.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.IpAddress;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// docs/spec/config-observability-dns.md 1.
class ZtunnelConfigTest {
    private static final String MESH = "./etc/istio/config/mesh";
    private static final String RESOLV = "/etc/resolv.conf";

    @Test
    void defaults() {
        ZtunnelConfig config = config(Map.of());
        Duration keepAlive = Duration.ofMinutes(3);

        assertThat(config.mode()).isEqualTo(ZtunnelConfig.Mode.SHARED);
        assertThat(config.controlPlane().address())
                .isEqualTo(URI.create("https://localhost:15012"));
        assertThat(config.authority().address()).isEqualTo(URI.create("https://localhost:15012"));
        assertThat(config.controlPlane().roots())
                .isEqualTo(
                        new ZtunnelConfig.RootCertificates.File(
                                Path.of("./var/run/secrets/istio/root-cert.pem")));
        assertThat(config.controlPlane().token()).isNull();
        assertThat(config.authority().certificateLifetime()).isEqualTo(Duration.ofHours(24));
        assertThat(config.node().clusterId()).isEqualTo("Kubernetes");
        assertThat(config.node().clusterDomain()).isEqualTo("cluster.local");
        assertThat(config.node().istioVersion()).isEqualTo("unknown");
        assertThat(config.ports()).isEqualTo(new ZtunnelConfig.Ports(15000, 15020, 15021));
        assertThat(config.dns())
                .isEqualTo(
                        new ZtunnelConfig.Dns(
                                true,
                                "localhost",
                                15053,
                                new ZtunnelConfig.Resolver(
                                        null,
                                        List.of(IpAddress.parse("10.96.0.10")),
                                        List.of(),
                                        1,
                                        Duration.ofSeconds(5),
                                        2)));
        assertThat(config.sockets())
                .isEqualTo(
                        new ZtunnelConfig.Sockets(
                                true,
                                Path.of("/var/run/ztunnel/ztunnel.sock"),
                                true,
                                1337,
                                null,
                                true,
                                false,
                                true,
                                true,
                                true,
                                keepAlive,
                                keepAlive,
                                9,
                                false));
        assertThat(config.tunnels())
                .isEqualTo(
                        new ZtunnelConfig.Tunnels(
                                4194304,
                                16777216,
                                1048576,
                                100,
                                Duration.ofMinutes(5),
                                Duration.ofMinutes(5)));
        assertThat(config.retry())
                .isEqualTo(
                        new ZtunnelConfig.Retry(
                                3,
                                Duration.ofSeconds(10),
                                Duration.ofSeconds(4),
                                Duration.ofSeconds(5)));
        assertThat(config.policies())
                .isEqualTo(new ZtunnelConfig.Policies(Duration.ofMillis(500), false));
        assertThat(config.bounds())
                .isEqualTo(
                        new ZtunnelConfig.Bounds(
                                null,
                                512,
                                null,
                                4096,
                                Duration.ZERO,
                                Duration.ZERO,
                                Duration.ZERO,
                                Duration.ZERO,
                                Duration.ofSeconds(30),
                                Duration.ofSeconds(1),
                                Duration.ofSeconds(10)));
        assertThat(config.workers().count()).isEqualTo(2);
        assertThat(config.terminationDeadline()).isEqualTo(Duration.ofSeconds(5));
        assertThat(config.logs()).isEqualTo(new ZtunnelConfig.Logs("info", false, false));
        assertThat(config.cryptography()).isEqualTo(new ZtunnelConfig.Cryptography(false, false));
    }

    /// Every key changes something; a key without a line here fails the test.
    @Test
    void everyKey() {
        Map<String, String> values = new TreeMap<>();
        values.put("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        values.put("XDS_ADDRESS", "istiod.other:15012");
        values.put("CA_ADDRESS", "ca.other:15012");
        values.put("XDS_ROOT_CA", "SYSTEM");
        values.put("CA_ROOT_CA", "-----BEGIN CERTIFICATE-----");
        values.put("ALT_XDS_HOSTNAME", "alt-xds");
        values.put("ALT_CA_HOSTNAME", "alt-ca");
        values.put("AUTH_TOKEN", "secret");
        values.put("XDS_ON_DEMAND", "true");
        values.put("XDS_SNAPSHOT_DIRECTORY", "/var/lib/ztunnel");
        values.put("XDS_SNAPSHOT_MAX_AGE", "1h");
        values.put("LOCAL_XDS_PATH", "/local.yaml");
        values.put("LOCAL_XDS", "workloads: []");
        values.put("FAKE_CA", "true");
        values.put("SECRET_TTL", "1h");
        values.put("CRL_PATH", "/crl.pem");
        values.put("NETWORK", "net1");
        values.put("NODE_NAME", "node1");
        values.put("CLUSTER_ID", "c1");
        values.put("CLUSTER_DOMAIN", "cluster.remote");
        values.put("TRUST_DOMAIN", "td");
        values.put("POD_NAME", "ztunnel-1");
        values.put("POD_NAMESPACE", "istio-system");
        values.put("SERVICE_ACCOUNT", "ztunnel");
        values.put("INSTANCE_IP", "10.1.1.1");
        values.put("PREFERED_SERVICE_NAMESPACE", "preferred");
        values.put("PROXY_MODE", "dedicated");
        values.put("PROXY_WORKLOAD_INFO", "ns/pod/sa");
        values.put("INPOD_UDS", "/other.sock");
        values.put("INPOD_PORT_REUSE", "false");
        values.put("PACKET_MARK", "7");
        values.put("ENABLE_PROXY", "false");
        values.put("ENABLE_ORIG_SRC", "false");
        values.put("IPV6_ENABLED", "false");
        values.put("UNSTABLE_ENABLE_SOCKS5", "true");
        values.put("LOCALHOST_APP_TUNNEL", "false");
        values.put("ENABLE_RESPONSE_BAGGAGE", "false");
        values.put("KEEPALIVE_ENABLED", "false");
        values.put("KEEPALIVE_TIME", "10s");
        values.put("KEEPALIVE_INTERVAL", "11s");
        values.put("KEEPALIVE_RETRIES", "3");
        values.put("USER_TIMEOUT_ENABLED", "true");
        values.put("HTTP2_STREAM_WINDOW_SIZE", "65535");
        values.put("HTTP2_CONNECTION_WINDOW_SIZE", "65536");
        values.put("HTTP2_FRAME_SIZE", "16384");
        values.put("POOL_MAX_STREAMS_PER_CONNECTION", "5");
        values.put("POOL_UNUSED_RELEASE_TIMEOUT", "1s");
        values.put("TUNNEL_EXPIRY_GRACE", "1s");
        values.put("ZTUNNEL_WORKER_THREADS", "3");
        values.put("ZTUNNEL_CPU_LIMIT", "32");
        values.put("ZTUNNEL_RESOURCE_CPU_LIMIT", "8");
        values.put("ZTUNNEL_RESOURCE_CPU_REQUEST", "4");
        values.put("CONNECTION_TERMINATION_DEADLINE", "7s");
        values.put("TERMINATION_GRACE_PERIOD_SECONDS", "30");
        values.put("OUTBOUND_CONNECT_ATTEMPTS", "1");
        values.put("OUTBOUND_CONNECT_WINDOW", "2s");
        values.put("OUTBOUND_ATTEMPT_TIMEOUT", "300ms");
        values.put("OUTBOUND_AVOID_TIME", "0s");
        values.put("POLICY_HOLD", "0s");
        values.put("UNKNOWN_POLICY", "deny");
        values.put("ZTUNNEL_MAX_SOCKETS", "1000");
        values.put("ZTUNNEL_MAX_HANDSHAKES", "10");
        values.put("ZTUNNEL_MAX_BUFFERED_BYTES", "4000000");
        values.put("ZTUNNEL_MAX_DNS_QUERIES", "100");
        values.put("ZTUNNEL_OUTBOUND_IDLE_TIMEOUT", "1h");
        values.put("ZTUNNEL_INBOUND_IDLE_TIMEOUT", "2h");
        values.put("ZTUNNEL_PASSTHROUGH_IDLE_TIMEOUT", "3h");
        values.put("ZTUNNEL_HALF_CLOSED_IDLE_TIMEOUT", "5m");
        values.put("ZTUNNEL_GONE_PEER_GRACE", "1s");
        values.put("ZTUNNEL_POD_STOP_GRACE", "5s");
        values.put("ZTUNNEL_STUCK_AFTER", "0s");
        values.put("RUST_LOG", "debug");
        values.put("LOG_FORMAT", "json");
        values.put("AUTHZ_POLICY_INFO_LOGGING", "true");
        values.put("COMPLIANCE_POLICY", "pqc");
        values.put("TLS12_ENABLED", "true");
        values.put("PROXY_CONFIG", "{statsPort: 1234}");
        // Values that only show beside others.
        Map<String, Map<String, String>> beside =
                Map.of(
                        "XDS_ON_DEMAND", Map.of("ISTIO_META_DNS_CAPTURE", "false"),
                        "XDS_SNAPSHOT_MAX_AGE", Map.of("XDS_SNAPSHOT_DIRECTORY", "/kept"),
                        "PROXY_MODE", Map.of("PROXY_WORKLOAD_INFO", "ns/pod/sa"),
                        "PROXY_WORKLOAD_INFO", Map.of("PROXY_MODE", "dedicated"));

        assertThat(values.keySet())
                .containsExactlyInAnyOrderElementsOf(
                        java.util.Arrays.stream(Setting.values()).map(Enum::name).toList());
        values.forEach(
                (name, value) -> {
                    Map<String, String> without =
                            new HashMap<>(beside.getOrDefault(name, Map.of()));
                    Map<String, String> with = new HashMap<>(without);
                    with.put(name, value);
                    ConfigReader.Result before = read(without, Map.of());
                    ConfigReader.Result after = read(with, Map.of());
                    assertThat(after.problems()).as(name).isEmpty();
                    assertThat(after.config()).as(name).isNotEqualTo(before.config());
                });
    }

    @ParameterizedTest
    @CsvSource({
        "INPOD_PORT_REUSE, yes, provided string was not `true` or `false`",
        "PACKET_MARK, 4294967296, number too large to fit in target type",
        "XDS_SNAPSHOT_MAX_AGE, 0s, must be one second or more",
        "PACKET_MARK, x1, invalid digit found in string",
        "PACKET_MARK, 2147483648, must be 0 to 2147483647",
        "KEEPALIVE_RETRIES, 128, must be 1 to 127",
        "KEEPALIVE_INTERVAL, 999ms, must be one second or more",
        "HTTP2_STREAM_WINDOW_SIZE, 4294967295, must be 65535 to 2147483647",
        "HTTP2_CONNECTION_WINDOW_SIZE, 65534, must be 65535 to 2147483647",
        "HTTP2_FRAME_SIZE, 16383, must be 16384 to 16777215",
        "POOL_MAX_STREAMS_PER_CONNECTION, 0, must be 1 to 65535",
        "POOL_MAX_STREAMS_PER_CONNECTION, 65536, number too large to fit in target type",
        "OUTBOUND_CONNECT_ATTEMPTS, 0, must be 1 to 10",
        "POLICY_HOLD, 11s, must be 10s or less",
        "UNKNOWN_POLICY, maybe, must be `allow` or `deny`",
        "ZTUNNEL_MAX_SOCKETS, 63, must be 64 to 4294967295",
        "ZTUNNEL_MAX_HANDSHAKES, 0, must be 1 to 2147483647",
        "ZTUNNEL_MAX_BUFFERED_BYTES, 1000, must be 1048576 to 4294967295",
        "KEEPALIVE_TIME, 5parsecs, unknown time unit 'parsecs'",
        "ZTUNNEL_WORKER_THREADS, 101%, percentage must be between 0 and 100",
        "ZTUNNEL_WORKER_THREADS, 0%, percentage must be between 0 and 100",
        "ZTUNNEL_WORKER_THREADS, many, invalid digit found in string",
        "ZTUNNEL_RESOURCE_CPU_LIMIT, -1, must be a positive CPU quantity",
    })
    void aWrongValueIsNamedWithItsReason(String name, String value, String reason) {
        assertThat(problems(Map.of(name, value)))
                .containsExactly("invalid env var " + name + "=" + value + " (" + reason + ")");
    }

    @Test
    void twoSettingsThatContradictEachOtherAreAProblem() {
        assertThat(problems(Map.of("TLS12_ENABLED", "true", "COMPLIANCE_POLICY", "pqc")))
                .singleElement()
                .asString()
                .startsWith("TLS12_ENABLED contradicts COMPLIANCE_POLICY=pqc");
    }

    @Test
    void allProblemsAreToldAtOnce() {
        assertThat(
                        problems(
                                Map.of(
                                        "IPV6_ENABLED", "TRUE",
                                        "FAKE_CA", "1",
                                        "LOCAL_XDS", "a",
                                        "LOCAL_XDS_PATH", "b",
                                        "RUST_LOG", "a=b")))
                .hasSize(4)
                .contains("only one of LOCAL_XDS_PATH or LOCAL_XDS may be set");
    }

    @Test
    void crossChecks() {
        assertThat(problems(Map.of("XDS_ON_DEMAND", "true")))
                .containsExactly(
                        "error parsing proxy config: DNS proxy does not currently support on-demand"
                                + " mode");
        assertThat(problems(Map.of("ENABLE_PROXY", "false", "ISTIO_META_DNS_CAPTURE", "false")))
                .containsExactly(
                        "error parsing proxy config: ztunnel run without any servers enabled");
        assertThat(
                        problems(
                                Map.of(
                                        "XDS_ON_DEMAND", "true",
                                        "ISTIO_META_DNS_CAPTURE", "false",
                                        "XDS_SNAPSHOT_DIRECTORY", "/kept")))
                .singleElement()
                .asString()
                .startsWith("XDS_SNAPSHOT_DIRECTORY contradicts XDS_ON_DEMAND=true");
        assertThat(problems(Map.of("PROXY_MODE", "dedicated")))
                .containsExactly(
                        "invalid configuration: PROXY_MODE=dedicated requires PROXY_WORKLOAD_INFO"
                                + " to be set");
        assertThat(problems(Map.of("ISTIO_META_DNS_PROXY_ADDR", "nowhere:53")).getFirst())
                .startsWith("invalid configuration: failed to parse DNS_PROXY_ADDR: nowhere:53 (");
    }

    @Test
    void theMeshFileAloneAndOverridden() {
        String mesh =
                """
                defaultConfig:
                  statsPort: 15888
                  proxyAdminPort: 15099
                  proxyMetadata:
                    ISTIO_META_FOO: foo
                    NO_PREFIX: kept
                """;
        ZtunnelConfig alone = read(Map.of(), Map.of(MESH, mesh)).config();
        assertThat(alone.ports()).isEqualTo(new ZtunnelConfig.Ports(15099, 15888, 15021));
        assertThat(alone.metadata()).containsEntry("FOO", "foo");

        ZtunnelConfig both =
                read(
                                Map.of(
                                        "PROXY_CONFIG",
                                        "{proxyAdminPort: 15999, proxyMetadata: {ISTIO_META_FOO:"
                                                + " bar, ISTIO_META_BAR: bar}}",
                                        "ISTIO_META_INCLUDE_THIS",
                                        "yes",
                                        "NOT_INCLUDE",
                                        "no"),
                                Map.of(MESH, mesh))
                        .config();
        assertThat(both.ports()).isEqualTo(new ZtunnelConfig.Ports(15999, 15888, 15021));
        assertThat(both.metadata())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of(
                                "FOO",
                                "bar",
                                "BAR",
                                "bar",
                                "NO_PREFIX",
                                "kept",
                                "INCLUDE_THIS",
                                "yes"));
    }

    @Test
    void theDiscoveryAddressGetsItsScheme() {
        assertThat(
                        config(
                                        Map.of(
                                                "PROXY_CONFIG",
                                                "discoveryAddress:"
                                                        + " istiod-rev0.istio-system-2:15012"))
                                .controlPlane()
                                .address())
                .isEqualTo(URI.create("https://istiod-rev0.istio-system-2:15012"));
        assertThat(config(Map.of("XDS_ADDRESS", "")).controlPlane().address()).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "8, , , 50%, 4",
        "16, , , 30%, 5",
        "4, , , 10%, 1",
        ", 32, , , 8",
        "16, , , , 16",
        "1, , , , 1",
        "4, , 8, , 8",
        "16, , 4, , 16",
        "500m, , , , 1",
        "2500m, , , , 3",
        "8, , , 0, 8"
    })
    void workers(String limit, String cpu, String request, String asked, int expected) {
        Map<String, String> variables = new HashMap<>();
        put(variables, "ZTUNNEL_RESOURCE_CPU_LIMIT", limit);
        put(variables, "ZTUNNEL_CPU_LIMIT", cpu);
        put(variables, "ZTUNNEL_RESOURCE_CPU_REQUEST", request);
        put(variables, "ZTUNNEL_WORKER_THREADS", asked);
        assertThat(config(variables).workers().count()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"30, 25", "11, 6", "10, 9", "1, 1", "0, 1"})
    void terminationGracePeriod(String grace, long seconds) {
        assertThat(config(Map.of("TERMINATION_GRACE_PERIOD_SECONDS", grace)).terminationDeadline())
                .isEqualTo(Duration.ofSeconds(seconds));
    }

    @ParameterizedTest
    @CsvSource({
        "90, 90000",
        "1h30m, 5400000",
        "1m+30s, 90000",
        "1500ms, 1500",
        "1.5s, 1500",
        "2*30s, 60000",
        "1d, 86400000"
    })
    void durations(String text, long millis) {
        assertThat(Durations.parse(text)).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "-1s", "1 x", "1h-", "abc"})
    void noDurations(String text) {
        assertThat(problems(Map.of("SECRET_TTL", text))).hasSize(1);
    }

    @Test
    void theResolverIsReadAsTheCLibraryReadsIt() {
        ZtunnelConfig.Resolver resolver =
                read(
                                Map.of(),
                                Map.of(
                                        RESOLV,
                                        """
                                        # of the cluster
                                        ; and of nobody else
                                        nameserver 10.96.0.10
                                        nameserver fe80::1%eth0
                                        nameserver not-an-address
                                        nameserver fd00::a
                                        domain ignored.example.
                                        search Istio-System.svc.cluster.local svc.cluster.local.
                                        options ndots:5 timeout:2 attempts:99 rotate timeout:x
                                        sortlist 10.0.0.0
                                        nameserver 10.0.0.3
                                        nameserver 10.0.0.4
                                        """))
                        .config()
                        .dns()
                        .resolver();

        assertThat(resolver)
                .isEqualTo(
                        new ZtunnelConfig.Resolver(
                                "ignored.example",
                                List.of(
                                        IpAddress.parse("10.96.0.10"),
                                        IpAddress.parse("fd00::a"),
                                        IpAddress.parse("10.0.0.3")),
                                List.of("istio-system.svc.cluster.local", "svc.cluster.local"),
                                5,
                                Duration.ofSeconds(2),
                                5));
    }

    @Test
    void theDnsProxyNeedsSomebodyToAsk() {
        Map<String, String> nobody = Map.of(RESOLV, "search example.com");
        assertThat(read(Map.of(), nobody).problems())
                .extracting(ConfigProblem::message)
                .containsExactly(
                        "error parsing proxy config: the DNS proxy needs /etc/resolv.conf, but it"
                                + " names no nameserver");
        assertThat(read(Map.of("ISTIO_META_DNS_CAPTURE", "false"), nobody).problems()).isEmpty();
    }

    @Test
    void aMisspelledSettingIsPointedOut() {
        assertThat(
                        read(
                                        Map.of(
                                                "HTTP2_STREAM_WINDW_SIZE", "1",
                                                "ISTIO_META_POD_NAMES", "x",
                                                "INPOD_ENABLED", "true",
                                                "HOSTNAME", "h"),
                                        Map.of())
                                .warnings())
                .extracting(ConfigProblem::message)
                .containsExactly(
                        "unknown env var HTTP2_STREAM_WINDW_SIZE: did you mean"
                                + " HTTP2_STREAM_WINDOW_SIZE?");
    }

    @Test
    void headersAndTokensAreNotPrinted() {
        ZtunnelConfig config = config(Map.of("XDS_HEADER_X-Key", "hush", "AUTH_TOKEN", "hush"));
        assertThat(config.controlPlane().headers())
                .containsExactly(new ZtunnelConfig.Header("x-key", "hush"));
        assertThat(config.toString()).doesNotContain("hush");
    }

    /// The document is written from the settings; `-Dwrite.docs=true` writes it.
    @Test
    void theDocumentNamesEverySetting() throws IOException {
        Path document = Path.of("../docs/CONFIG.md");
        StringBuilder text =
                new StringBuilder(
                        "# Settings\n\n"
                                + "Read once at start from the environment. A wrong value ends the"
                                + " start; all problems are told at once.\n");
        for (Setting.Group group : Setting.Group.values()) {
            text.append("\n## ").append(group.title).append("\n\n");
            text.append("| Variable | Type | Default | Meaning |\n|---|---|---|---|\n");
            for (Setting setting : Setting.values()) {
                if (setting.group == group) {
                    text.append(
                            "| `%s` | %s | %s | %s |\n"
                                    .formatted(
                                            setting,
                                            setting.type,
                                            setting.defaultText,
                                            setting.meaning));
                }
            }
        }
        text.append(
                """

                ProxyConfig keys (in `PROXY_CONFIG`, or under `defaultConfig` in
                `./etc/istio/config/mesh`): `discoveryAddress`, `proxyAdminPort` (15000), `statsPort`
                (15020), `concurrency`, `proxyMetadata`.

                Prefixes: `ISTIO_META_<k>` sets metadata (among it `DNS_CAPTURE` and
                `DNS_PROXY_ADDR`), `ISTIO_METAJSON_<k>` does so with JSON, `XDS_HEADER_<k>` and
                `CA_HEADER_<k>` add gRPC headers.
                """);
        if (Boolean.getBoolean("write.docs") || !Files.exists(document)) {
            Files.writeString(document, text);
        }
        assertThat(document).content().isEqualTo(text.toString());
    }

    private static void put(Map<String, String> into, String name, String value) {
        if (value != null) {
            into.put(name, value);
        }
    }

    private static ZtunnelConfig config(Map<String, String> variables) {
        ConfigReader.Result read = read(variables, Map.of());
        assertThat(read.problems()).isEmpty();
        return read.config();
    }

    private static List<String> problems(Map<String, String> variables) {
        return read(variables, Map.of()).problems().stream().map(ConfigProblem::message).toList();
    }

    private static ConfigReader.Result read(
            Map<String, String> variables, Map<String, String> given) {
        Map<String, String> files = new HashMap<>(Map.of(RESOLV, "nameserver 10.96.0.10"));
        files.putAll(given);
        return ConfigReader.read(
                variables,
                new ConfigFiles() {
                    @Override
                    public boolean exists(String path) {
                        return files.containsKey(path);
                    }

                    @Override
                    public String read(String path) throws IOException {
                        if (!files.containsKey(path)) {
                            throw new NoSuchFileException(path);
                        }
                        return files.get(path);
                    }
                },
                "proxy ztunnel",
                4);
    }
}
