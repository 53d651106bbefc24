package io.ztunnel.node;

import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// A client pod and a server pod on two nodes, others if asked for, a CA between them, and a mesh
/// file that daemons in dedicated mode watch. Closing removes all of it.
public final class MeshLab implements AutoCloseable {
    public static final InetAddress CA = InetAddress.ofLiteral("172.172.0.1");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final NetnsWorld world = new NetnsWorld();
    private final Node near;
    private final Redirection rules;
    private final Pod client;
    private final Pod server;
    private final List<Pod> members = new ArrayList<>();
    private final Map<String, String> trustDomains = new HashMap<>();
    private final Map<String, String> homes = new HashMap<>();
    private int daemons;

    public MeshLab(Path folder, Redirection redirection) {
        this.folder = folder;
        near = world.node("node-1");
        Node far = world.node("node-2");
        rules = redirection.withoutDns().except(CA);
        client = near.pod("client").redirected(rules);
        server = far.pod("server").redirected(rules);
        members.addAll(List.of(client, server));
        startAuthority();
        mesh("");
    }

    private void startAuthority() {
        List<String> command =
                JavaProgram.of(
                        LocalCa.class.getName() + "$Main",
                        "--listen",
                        CA.getHostAddress() + ":15012",
                        "--name",
                        CA.getHostAddress(),
                        "--out",
                        folder.toString(),
                        "--token",
                        "token-of-client=default/client/client/uid-client",
                        "--token",
                        "token-of-server=default/server/server/uid-server",
                        "--token",
                        "token-of-neighbour=default/neighbour/neighbour/uid-neighbour");
        world.fabric().start(command, Map.of(), folder.resolve("ca.log").toFile());
        eventually("the CA answers", () -> folder.resolve("root-cert.pem").toFile().length() > 0);
    }

    public Pod client() {
        return client;
    }

    public Pod server() {
        return server;
    }

    /// Adds a captured pod on the client's node; the next mesh file lists it.
    public Pod neighbour() {
        Pod pod = near.pod("neighbour").redirected(rules);
        members.add(pod);
        return pod;
    }

    /// Adds a pod on the client's node that nothing is captured of and no mesh file lists.
    public Pod outsider() {
        return near.pod("outsider");
    }

    /// What everybody is joined by; its address [#CA] is reached past the daemons.
    public Namespace fabric() {
        return world.fabric();
    }

    public Path folder() {
        return folder;
    }

    /// A daemon for a pod, ready to serve.
    public DaemonProcess daemon(Pod pod, List<String> command, String... more) {
        DaemonProcess daemon = starting(pod, command, more);
        eventually("ready: " + pod.name(), () -> daemon.isReady() || dead(daemon));
        if (dead(daemon)) {
            throw new AssertionError("the daemon ended:\n" + daemon.tail());
        }
        return daemon;
    }

    private static boolean dead(DaemonProcess daemon) {
        return !daemon.process().isAlive();
    }

    /// The same, without waiting.
    ///
    /// @param more `NAME=value`, in place of what they usually get
    public DaemonProcess starting(Pod pod, List<String> command, String... more) {
        Map<String, String> environment = new HashMap<>();
        environment.put("PROXY_MODE", "dedicated");
        environment.put("PROXY_WORKLOAD_INFO", "default/" + pod.name() + "/" + pod.name());
        environment.put("LOCAL_XDS_PATH", folder.resolve("mesh.yaml").toString());
        environment.put("XDS_ADDRESS", "");
        environment.put("CA_ADDRESS", "https://" + CA.getHostAddress() + ":15012");
        environment.put("CA_ROOT_CA", folder.resolve("root-cert.pem").toString());
        environment.put("AUTH_TOKEN", "token-of-" + pod.name());
        environment.put("ENABLE_ORIG_SRC", "false");
        environment.put("PACKET_MARK", "1337");
        environment.put("ISTIO_META_DNS_CAPTURE", "false");
        environment.put("ZTUNNEL_WORKER_THREADS", "2");
        for (String each : more) {
            environment.put(
                    each.substring(0, each.indexOf('=')), each.substring(each.indexOf('=') + 1));
        }
        Path log = folder.resolve(pod.name() + "-" + ++daemons + ".log");
        return DaemonProcess.start(pod.namespace(), command, environment, log);
    }

    public void trustDomain(Pod pod, String domain) {
        trustDomains.put(pod.name(), domain);
    }

    /// Says where a pod lives, in the next mesh file; without, nobody says.
    public void home(Pod pod, String node) {
        homes.put(pod.name(), node);
    }

    /// Replaces the mesh file; daemons of ours see it at once.
    ///
    /// @param policies what follows the workloads: policies, services, or nothing
    public void mesh(String policies) {
        StringBuilder text = new StringBuilder("workloads:\n");
        members.forEach(member -> text.append(workload(member)));
        write(text.append(policies).toString());
    }

    public void write(String text) {
        try {
            Path next = folder.resolve("mesh.next");
            Files.writeString(next, text);
            Files.move(
                    next,
                    folder.resolve("mesh.yaml"),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private String workload(Pod pod) {
        return MeshText.workload(
                pod.name(),
                pod.ipv4().getHostAddress() + ", \"" + pod.ipv6().getHostAddress() + "\"",
                "trustDomain: " + trustDomains.getOrDefault(pod.name(), "cluster.local"),
                "node: \"" + homes.getOrDefault(pod.name(), "") + "\"");
    }

    public static String policy(String name, String action, String rules) {
        return """
        policies:
        - name: %s
          namespace: default
          scope: Namespace
          action: %s
          dryRun: false
          rules: %s
        """
                .formatted(name, action, rules);
    }

    public static void eventually(String what, BooleanSupplier holds) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("did not happen: " + what);
            }
            LockSupport.parkNanos(20_000_000);
        }
    }

    /// For tests that open many.
    public static <T extends AutoCloseable> void closeAll(List<T> all) throws Exception {
        for (T each : new ArrayList<>(all)) {
            each.close();
        }
    }

    @Override
    public void close() {
        world.close();
    }
}
