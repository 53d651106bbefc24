package io.ztunnel.config;

import static io.ztunnel.config.Setting.*;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.observe.LogFilter;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/// Reads the environment and the mesh file once, and answers with a configuration or with
/// everything that is wrong (docs/spec/config-observability-dns.md 1).
public final class ConfigReader {
    private static final String MESH_FILE = "./etc/istio/config/mesh";
    private static final long NO_MARK = -1;
    private static final String META = "ISTIO_META_";
    private static final String META_JSON = "ISTIO_METAJSON_";

    private final Map<String, String> variables;
    private final ConfigFiles files;
    private final String proxyArgs;
    private final int logicalCpus;
    private final List<ConfigProblem> problems = new ArrayList<>();
    private final Environment env;
    private final ControlPlaneSettings remote;

    private ConfigReader(
            Map<String, String> variables, ConfigFiles files, String proxyArgs, int logicalCpus) {
        this.variables = variables;
        this.files = files;
        this.proxyArgs = proxyArgs;
        this.logicalCpus = logicalCpus;
        env = new Environment(variables, problems);
        remote = new ControlPlaneSettings(variables, files, env, problems);
    }

    /// @param config null where there are problems
    /// @param problems all of them, in the order of the settings
    /// @param warnings what looks wrong but does no harm
    public record Result(
            @Nullable ZtunnelConfig config,
            List<ConfigProblem> problems,
            List<ConfigProblem> warnings) {}

    /// Reads for this machine.
    public static Result read(Map<String, String> variables, ConfigFiles files) {
        return read(variables, files, "", Runtime.getRuntime().availableProcessors());
    }

    /// @param proxyArgs the command line, space-joined
    /// @param logicalCpus of the machine
    public static Result read(
            Map<String, String> variables, ConfigFiles files, String proxyArgs, int logicalCpus) {
        return new ConfigReader(variables, files, proxyArgs, logicalCpus).read();
    }

    private Result read() {
        ProxyConfigDocument document = document();
        Map<String, String> metadata = metadata(document);
        ZtunnelConfig.Mode mode = mode();
        ZtunnelConfig.Dns dns = dns(metadata);
        ZtunnelConfig config =
                new ZtunnelConfig(
                        mode,
                        remote.controlPlane(document),
                        remote.authority(),
                        node(mode),
                        new ZtunnelConfig.Ports(
                                orElse(document.proxyAdminPort(), 15000),
                                orElse(document.statsPort(), 15020),
                                15021),
                        dns,
                        sockets(mode),
                        tunnels(),
                        ConnectionSettings.retry(env),
                        ConnectionSettings.policies(env),
                        bounds(),
                        workers(document),
                        terminationDeadline(),
                        logs(),
                        new ZtunnelConfig.Cryptography(
                                env.is(COMPLIANCE_POLICY, "pqc"), env.is(TLS12_ENABLED, "true")),
                        metadata,
                        proxyArgs);
        crossCheck(config);
        return new Result(
                problems.isEmpty() ? config : null,
                List.copyOf(problems),
                Misspelled.among(variables));
    }

    private void crossCheck(ZtunnelConfig config) {
        if (config.cryptography().postQuantumOnly() && config.cryptography().tls12()) {
            problem(
                    "TLS12_ENABLED contradicts COMPLIANCE_POLICY=pqc: TLS 1.2 has no such key"
                            + " exchange");
        }
        if (config.dns().enabled() && config.controlPlane().onDemand()) {
            problem(
                    "error parsing proxy config: DNS proxy does not currently support on-demand"
                            + " mode");
        }
        if (config.controlPlane().kept() != null && config.controlPlane().onDemand()) {
            problem(
                    "XDS_SNAPSHOT_DIRECTORY contradicts XDS_ON_DEMAND=true: only what was asked for"
                            + " would be kept");
        }
        if (!config.sockets().proxy() && !config.dns().enabled()) {
            problem("error parsing proxy config: ztunnel run without any servers enabled");
        }
        if (config.mode() == ZtunnelConfig.Mode.DEDICATED && !env.isSet(PROXY_WORKLOAD_INFO)) {
            problem(
                    "invalid configuration: PROXY_MODE=dedicated requires PROXY_WORKLOAD_INFO to be"
                            + " set");
        }
    }

    // --- structured sources

    private ProxyConfigDocument document() {
        ProxyConfigDocument document = ProxyConfigDocument.EMPTY;
        try {
            document = ProxyConfigDocument.ofMeshFile(files.read(MESH_FILE));
        } catch (NoSuchFileException absent) {
            // Most installations have none.
        } catch (IOException | IllegalArgumentException unusable) {
            problem("error parsing proxy config: " + MESH_FILE + ": " + unusable.getMessage());
        }
        String text = env.filled(PROXY_CONFIG);
        if (text == null) {
            return document;
        }
        try {
            return document.overriddenBy(ProxyConfigDocument.ofText(text));
        } catch (IllegalArgumentException malformed) {
            problem("error parsing proxy config: PROXY_CONFIG: " + malformed.getMessage());
            return document;
        }
    }

    private Map<String, String> metadata(ProxyConfigDocument document) {
        Map<String, String> merged = new TreeMap<>();
        // Entries without the prefix first, so that the prefixed form of the same key wins.
        document.proxyMetadata()
                .forEach((key, value) -> addUnless(key.startsWith(META), merged, key, value));
        document.proxyMetadata()
                .forEach(
                        (key, value) -> addUnless(!key.startsWith(META), merged, bare(key), value));
        variables.forEach(
                (key, value) -> addUnless(!key.startsWith(META), merged, bare(key), value));
        return Map.copyOf(merged);
    }

    private static void addUnless(boolean not, Map<String, String> into, String key, String value) {
        if (!not) {
            into.put(key, value);
        }
    }

    private static String bare(String key) {
        String name = key;
        while (name.startsWith(META)) {
            name = name.substring(META.length());
        }
        return name;
    }

    private ZtunnelConfig.Dns dns(Map<String, String> metadata) {
        String capture = metadata.get("DNS_CAPTURE");
        boolean enabled = capture == null || capture.toLowerCase(Locale.ROOT).equals("true");
        String address = metadata.getOrDefault("DNS_PROXY_ADDR", "localhost:15053");
        int colon = address.lastIndexOf(':');
        try {
            if (colon <= 0) {
                throw new IllegalArgumentException("expected localhost:port or ip:port");
            }
            String host = address.substring(0, colon);
            if (host.startsWith("[") && host.endsWith("]")) {
                host = host.substring(1, host.length() - 1);
            } else if (host.indexOf(':') >= 0) {
                throw new IllegalArgumentException("write an IPv6 address in brackets");
            }
            if (!host.equals("localhost")) {
                IpAddress.parse(host);
            }
            int port = (int) Environment.parseUnsigned(address.substring(colon + 1), 16);
            return new ZtunnelConfig.Dns(enabled, host, port, resolver(enabled));
        } catch (IllegalArgumentException malformed) {
            problem(
                    "invalid configuration: failed to parse DNS_PROXY_ADDR: "
                            + (address + " (" + malformed.getMessage() + ")"));
            return new ZtunnelConfig.Dns(enabled, "localhost", 15053, ResolvConf.parse(""));
        }
    }

    /// Without a server nobody could be asked, and every pod would have to find that out.
    private ZtunnelConfig.Resolver resolver(boolean needed) {
        String text = "";
        String problem = "it names no nameserver";
        try {
            text = files.read(ResolvConf.PATH);
        } catch (NoSuchFileException absent) {
            problem = "there is no such file";
        } catch (IOException unreadable) {
            problem = "cannot be read: " + unreadable.getMessage();
        }
        ZtunnelConfig.Resolver resolver = ResolvConf.parse(text);
        if (needed && resolver.nameservers().isEmpty()) {
            problem(
                    "error parsing proxy config: the DNS proxy needs "
                            + (ResolvConf.PATH + ", but " + problem));
        }
        return resolver;
    }

    // --- node, mode, sockets

    private ZtunnelConfig.Mode mode() {
        ZtunnelConfig.Mode mode =
                env.read(
                        PROXY_MODE,
                        text ->
                                switch (text) {
                                    case "shared" -> ZtunnelConfig.Mode.SHARED;
                                    case "dedicated" -> ZtunnelConfig.Mode.DEDICATED;
                                    default ->
                                            throw new IllegalArgumentException(
                                                    "must be one of shared, dedicated");
                                });
        return mode == null ? ZtunnelConfig.Mode.SHARED : mode;
    }

    private ZtunnelConfig.Node node(ZtunnelConfig.Mode mode) {
        String podName = env.text(POD_NAME);
        String podNamespace = env.text(POD_NAMESPACE);
        String account = env.text(SERVICE_ACCOUNT);
        ZtunnelConfig.PodIdentity self =
                podName == null || podNamespace == null || account == null
                        ? null
                        : new ZtunnelConfig.PodIdentity(podNamespace, podName, account);
        String preferred = env.text(PREFERED_SERVICE_NAMESPACE);
        IpAddress instance = env.read(INSTANCE_IP, IpAddress::parse);
        return new ZtunnelConfig.Node(
                env.text(NETWORK, ""),
                env.text(NODE_NAME),
                variables.getOrDefault(META + "CLUSTER_ID", env.text(CLUSTER_ID, "Kubernetes")),
                env.text(CLUSTER_DOMAIN, "cluster.local"),
                env.text(TRUST_DOMAIN, "cluster.local"),
                podName,
                podNamespace,
                account,
                self,
                dedicatedPod(mode),
                instance == null ? "1.1.1.1" : instance.toString(),
                variables.getOrDefault(META + "ISTIO_VERSION", "unknown"),
                preferred == null ? variables.get("PREFERRED_SERVICE_NAMESPACE") : preferred,
                prefixed(META_JSON, UnaryOperator.identity()));
    }

    private ZtunnelConfig.@Nullable PodIdentity dedicatedPod(ZtunnelConfig.Mode mode) {
        String text = env.text(PROXY_WORKLOAD_INFO);
        if (text == null) {
            return null;
        }
        String[] parts = text.split("/", -1);
        if (parts.length != 3) {
            problem(
                    "PROXY_WORKLOAD_INFO must match the format 'namespace/name/service-account'"
                            + (" (got " + List.of(parts) + ")"));
            return null;
        }
        return mode == ZtunnelConfig.Mode.SHARED
                ? null
                : new ZtunnelConfig.PodIdentity(parts[0], parts[1], parts[2]);
    }

    private Map<String, String> prefixed(String prefix, UnaryOperator<String> key) {
        Map<String, String> found = new TreeMap<>();
        variables.forEach(
                (name, value) -> {
                    if (name.startsWith(prefix)) {
                        found.put(key.apply(name.substring(prefix.length())), value);
                    }
                });
        return Map.copyOf(found);
    }

    private ZtunnelConfig.Sockets sockets(ZtunnelConfig.Mode mode) {
        long mark =
                env.within(
                        PACKET_MARK,
                        32,
                        0,
                        Integer.MAX_VALUE,
                        mode == ZtunnelConfig.Mode.SHARED ? 1337 : NO_MARK);
        return new ZtunnelConfig.Sockets(
                env.bool(ENABLE_PROXY, true),
                env.path(INPOD_UDS, env.text(INPOD_UDS, "/var/run/ztunnel/ztunnel.sock")),
                env.bool(INPOD_PORT_REUSE, true),
                mark == NO_MARK ? null : (int) mark,
                env.bool(ENABLE_ORIG_SRC),
                env.bool(IPV6_ENABLED, true),
                env.bool(UNSTABLE_ENABLE_SOCKS5, false),
                env.bool(LOCALHOST_APP_TUNNEL, true),
                env.bool(ENABLE_RESPONSE_BAGGAGE, true),
                env.bool(KEEPALIVE_ENABLED, true),
                env.seconds(KEEPALIVE_TIME, Duration.ofMinutes(3)),
                env.seconds(KEEPALIVE_INTERVAL, Duration.ofMinutes(3)),
                (int) env.within(KEEPALIVE_RETRIES, 32, 1, 127, 9),
                env.bool(USER_TIMEOUT_ENABLED, false));
    }

    private ZtunnelConfig.Tunnels tunnels() {
        return new ZtunnelConfig.Tunnels(
                env.within(HTTP2_STREAM_WINDOW_SIZE, 32, 65_535, Integer.MAX_VALUE, 4L << 20),
                env.within(HTTP2_CONNECTION_WINDOW_SIZE, 32, 65_535, Integer.MAX_VALUE, 16L << 20),
                env.within(HTTP2_FRAME_SIZE, 32, 16_384, (1 << 24) - 1, 1L << 20),
                (int) env.within(POOL_MAX_STREAMS_PER_CONNECTION, 16, 1, 65_535, 100),
                env.duration(POOL_UNUSED_RELEASE_TIMEOUT, Duration.ofMinutes(5)),
                env.duration(TUNNEL_EXPIRY_GRACE, Duration.ofMinutes(5)));
    }

    private ZtunnelConfig.Bounds bounds() {
        return new ZtunnelConfig.Bounds(
                atLeast(ZTUNNEL_MAX_SOCKETS, 64),
                env.within(ZTUNNEL_MAX_HANDSHAKES, 32, 1, Integer.MAX_VALUE, 512),
                atLeast(ZTUNNEL_MAX_BUFFERED_BYTES, 1 << 20),
                env.within(ZTUNNEL_MAX_DNS_QUERIES, 32, 1, Integer.MAX_VALUE, 4096),
                env.duration(ZTUNNEL_OUTBOUND_IDLE_TIMEOUT, Duration.ZERO),
                env.duration(ZTUNNEL_INBOUND_IDLE_TIMEOUT, Duration.ZERO),
                env.duration(ZTUNNEL_PASSTHROUGH_IDLE_TIMEOUT, Duration.ZERO),
                env.duration(ZTUNNEL_HALF_CLOSED_IDLE_TIMEOUT, Duration.ZERO),
                env.duration(ZTUNNEL_GONE_PEER_GRACE, Duration.ofSeconds(30)),
                ConnectionSettings.podStopGrace(env),
                ConnectionSettings.stuckAfter(env));
    }

    private @Nullable Long atLeast(Setting setting, long least) {
        return env.isSet(setting) ? env.within(setting, 32, least, 0xffff_ffffL, least) : null;
    }

    private ZtunnelConfig.Workers workers(ProxyConfigDocument document) {
        Long limit = env.unsigned(ZTUNNEL_CPU_LIMIT, 31);
        Cores cores =
                new Cores(
                        logicalCpus,
                        limit == null ? null : (int) (long) limit,
                        env.read(ZTUNNEL_RESOURCE_CPU_LIMIT, Cores::quantity),
                        env.read(ZTUNNEL_RESOURCE_CPU_REQUEST, Cores::quantity));
        Integer asked =
                env.read(
                        ZTUNNEL_WORKER_THREADS,
                        text -> {
                            try {
                                return cores.workers(text, null);
                            } catch (NumberFormatException malformed) {
                                throw new IllegalArgumentException(
                                        "invalid digit found in string", malformed);
                            }
                        });
        return new ZtunnelConfig.Workers(
                asked == null ? cores.workers(null, document.concurrency()) : asked);
    }

    private Duration terminationDeadline() {
        Duration deadline = env.duration(CONNECTION_TERMINATION_DEADLINE);
        Long grace = env.unsigned(TERMINATION_GRACE_PERIOD_SECONDS, 63);
        if (deadline != null) {
            return deadline;
        }
        if (grace == null) {
            return Duration.ofSeconds(5);
        }
        long seconds = Math.max(1, grace > 10 ? grace - 5 : grace - 1);
        return Duration.ofSeconds(Math.min(seconds, Duration.ofDays(36500).toSeconds()));
    }

    private ZtunnelConfig.Logs logs() {
        String filter = env.text(RUST_LOG, "info");
        try {
            LogFilter.parse(filter);
        } catch (IllegalArgumentException malformed) {
            env.problem(RUST_LOG, filter, "invalid filter directive: " + malformed.getMessage());
        }
        return new ZtunnelConfig.Logs(
                filter, env.is(LOG_FORMAT, "json"), env.is(AUTHZ_POLICY_INFO_LOGGING, "true"));
    }

    // --- small words

    private void problem(String message) {
        problems.add(new ConfigProblem(message));
    }

    private static int orElse(@Nullable Integer value, int otherwise) {
        return value == null ? otherwise : value;
    }
}
