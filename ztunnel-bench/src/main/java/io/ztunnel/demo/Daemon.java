package io.ztunnel.demo;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// A ztunnel beside one pod: "dedicated" mode, without a control plane.
final class Daemon {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Role role;
    private final Process process;
    private final LogFile log;

    private Daemon(Role role, Process process, LogFile log) {
        this.role = role;
        this.process = process;
        this.log = log;
    }

    static Daemon start(
            List<String> command, Role role, MeshFile mesh, Authority authority, Path folder) {
        Path path = folder.resolve("ztunnel-" + role.name() + ".log");
        Map<String, String> environment =
                Map.ofEntries(
                        Map.entry("PROXY_MODE", "dedicated"),
                        Map.entry(
                                "PROXY_WORKLOAD_INFO",
                                Role.NAMESPACE + "/" + role.name() + "/" + role.name()),
                        Map.entry("NODE_NAME", role.node()),
                        Map.entry("CLUSTER_ID", "Kubernetes"),
                        Map.entry("LOCAL_XDS_PATH", mesh.path().toString()),
                        Map.entry("XDS_ADDRESS", ""),
                        Map.entry("CA_ADDRESS", authority.url()),
                        Map.entry("CA_ROOT_CA", authority.rootCertificate().toString()),
                        Map.entry("AUTH_TOKEN", Authority.token(role)),
                        Map.entry("ENABLE_ORIG_SRC", "false"),
                        // Exempts the daemon's own connections from redirection.
                        Map.entry("PACKET_MARK", "1337"),
                        Map.entry("ISTIO_META_DNS_CAPTURE", "false"),
                        Map.entry("ZTUNNEL_WORKER_THREADS", "1"));
        Process process = role.pod().namespace().start(command, environment, path.toFile());
        return new Daemon(role, process, new LogFile(path));
    }

    Role role() {
        return role;
    }

    LogFile log() {
        return log;
    }

    /// Whether its readiness port says yes before patience ends.
    boolean becomesReady() {
        return Until.isTrue(PATIENCE, () -> isReady() || !process.isAlive()) && process.isAlive();
    }

    private boolean isReady() {
        return role.pod()
                .namespace()
                .tryRun(
                        "curl",
                        "-fsS",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "2",
                        "http://127.0.0.1:15021/healthz/ready")
                .succeeded();
    }
}
