package io.ztunnel.rehearsal;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// The daemon that is recorded: in dedicated mode, alone, both ends of its own tunnels.
final class Player {
    /// The service account of the one workload, and the token that proves it.
    static final String ACCOUNT = "rehearsal";

    static final InetSocketAddress SOCKS = new InetSocketAddress("127.0.0.1", 15080);

    /// The workload's address. Not the first of the loopback network, where the daemon's own ports
    /// are.
    static final InetSocketAddress APPLICATION = new InetSocketAddress("127.0.0.2", 0);

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    /// Classes only: code that is compiled by recorded profiles is slower for good
    /// (docs/adr/0011-start-up-cache.md).
    private static final String RECORD =
            "-XX:+UnlockDiagnosticVMOptions -XX:-AOTRecordTraining -XX:AOTCacheOutput=";

    /// Writing the cache is part of the end.
    private static final Duration WRITING = Duration.ofMinutes(2);

    private static final long PAUSE_NANOS = Duration.ofMillis(50).toNanos();
    private static final int LAST_LINES = 5;

    private final Process process;
    private final Path log;
    private final HttpClient http = HttpClient.newHttpClient();

    private Player(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    static Player start(Path launcher, Path cache, Path folder, Path root, int caPort)
            throws IOException {
        Path mesh = Files.writeString(folder.resolve("mesh.yaml"), mesh());
        Path log = folder.resolve("log");
        ProcessBuilder builder =
                new ProcessBuilder(launcher.toString(), "proxy", "ztunnel")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile());
        builder.environment()
                .putAll(
                        Map.ofEntries(
                                Map.entry("ZTUNNEL_JAVA_OPTS", RECORD + cache),
                                Map.entry("PROXY_MODE", "dedicated"),
                                Map.entry("PROXY_WORKLOAD_INFO", "default/rehearsal/" + ACCOUNT),
                                Map.entry("NODE_NAME", "rehearsal"),
                                Map.entry("LOCAL_XDS_PATH", mesh.toString()),
                                Map.entry("XDS_ADDRESS", ""),
                                Map.entry("CA_ADDRESS", "https://127.0.0.1:" + caPort),
                                Map.entry("CA_ROOT_CA", root.toString()),
                                Map.entry("AUTH_TOKEN", ACCOUNT),
                                Map.entry("ENABLE_ORIG_SRC", "false"),
                                Map.entry("UNSTABLE_ENABLE_SOCKS5", "true"),
                                Map.entry("ISTIO_META_DNS_CAPTURE", "false"),
                                Map.entry("TERMINATION_GRACE_PERIOD_SECONDS", "1"),
                                // Many handshakes, and many streams in one tunnel.
                                Map.entry("POOL_MAX_STREAMS_PER_CONNECTION", "8"),
                                Map.entry("ZTUNNEL_WORKER_THREADS", "2")));
        Process process = builder.start();
        // Whoever ends the rehearsal must not be left with a daemon on the node's ports.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        return new Player(process, log);
    }

    /// One workload, reached by its address and by a service's, that lets itself call itself.
    private static String mesh() {
        String ip = APPLICATION.getAddress().getHostAddress();
        return """
        workloads:
        - uid: Kubernetes//Pod/default/rehearsal
          name: rehearsal
          namespace: default
          serviceAccount: %1$s
          trustDomain: cluster.local
          clusterId: Kubernetes
          node: rehearsal
          workloadIps: [%2$s]
          protocol: HBONE
          services: {}
        policies:
        - name: allow
          namespace: default
          scope: Namespace
          action: Allow
          dryRun: false
          rules:
          - - - principals: [!Exact cluster.local/ns/default/sa/%1$s]
        """
                .formatted(ACCOUNT, ip);
    }

    void awaitReady() throws RehearsalFailed {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            if (!process.isAlive()) {
                throw new RehearsalFailed("the daemon ended with status " + process.exitValue());
            }
            try {
                if (get("http://127.0.0.1:15021/healthz/ready") == 200) {
                    return;
                }
            } catch (IOException notYet) {
                // Asked again.
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw new RehearsalFailed("the daemon is not ready after " + PATIENCE.toSeconds() + " s");
    }

    /// What Prometheus and istioctl ask for.
    void readAdmin() throws IOException, RehearsalFailed {
        for (String url :
                List.of(
                        "http://127.0.0.1:15020/metrics",
                        "http://127.0.0.1:15000/config_dump",
                        "http://127.0.0.1:15021/healthz/ready")) {
            int status = get(url);
            if (status != 200) {
                throw new RehearsalFailed(url + " answered " + status);
            }
        }
    }

    private int get(String url) throws IOException {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE).build();
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (InterruptedException interrupted) {
            throw new IOException("interrupted", interrupted);
        }
    }

    /// Asks it to end, and waits while it writes the cache.
    void stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(WRITING.toSeconds(), TimeUnit.SECONDS)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
    }

    String lastWords() throws IOException {
        List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
        List<String> last = lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size());
        return "it said: " + String.join(" | ", last);
    }
}
