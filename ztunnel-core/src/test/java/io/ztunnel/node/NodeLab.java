package io.ztunnel.node;

import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer;
import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Nodes with a daemon each in in-pod mode, pods as namespaces with the redirection of production,
/// a node agent per node, one CA and one mesh file (docs/spec/inpod-and-deployment.md 4).
///
/// ```
///        CA 172.172.0.1:15012 ── fabric
///   node-1 (172.172.0.2)            node-2 (172.172.0.3)
///   daemon ◄── ZDS ── agent         daemon ◄── ZDS ── agent
///     │ listens in                    │ listens in
///   pods 10.0.2.x                   pods 10.0.3.x
/// ```
///
/// Closing removes all of it. One thread.
public final class NodeLab implements AutoCloseable {
    private static final InetAddress CA = InetAddress.ofLiteral("172.172.0.1");
    private static final int CA_PORT = 15012;
    private static final String TOKEN = "token-of-the-node-proxy";

    private final Path folder;
    private final Redirection rules;
    private final NetnsWorld world = new NetnsWorld();
    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private final LocalCa ca;
    private final Passage door;
    private final Map<String, NodeDaemon> nodes = new LinkedHashMap<>();

    /// Pod to its lines in the mesh file.
    private final Map<String, String> members = new LinkedHashMap<>();

    public NodeLab(Path folder, Redirection rules) throws IOException {
        this.folder = folder;
        this.rules = rules;
        NodeAuthorizer callers = new NodeAuthorizer("Kubernetes").anyIdentity();
        callers.tokens.put(
                TOKEN,
                new NodeAuthorizer.Caller(
                        "Kubernetes", "istio-system", "ztunnel", "ztunnel", "uid-ztunnel"));
        ca =
                LocalCa.start(
                        new InetSocketAddress("127.0.0.1", 0),
                        "cluster.local",
                        root,
                        callers,
                        List.of(CA.getHostAddress()));
        Files.writeString(folder.resolve("root-cert.pem"), ca.rootPem());
        // It runs here, and daemons see only the fabric.
        door = new Passage(world.fabric(), CA_PORT, ca.port());
        mesh("");
    }

    /// Adds a node; its daemon is started by [NodeDaemon#start].
    public NodeDaemon node(String name) throws IOException {
        NodeDaemon node = new NodeDaemon(this, world.node(name));
        nodes.put(name, node);
        return node;
    }

    /// A pod with the rules of production, that its node's daemon does not know yet.
    public Pod captured(NodeDaemon on, String name) {
        Pod pod = on.node().pod(name).redirected(rules);
        describe(on, pod, "protocol: HBONE");
        return pod;
    }

    /// A pod without rules that speaks plain TCP.
    public Pod plain(NodeDaemon on, String name) {
        Pod pod = on.node().pod(name);
        describe(on, pod, "protocol: TCP");
        return pod;
    }

    /// Says something else of a pod in the next mesh file.
    ///
    /// @param more fields in the form of the local file, one a line
    public void describe(NodeDaemon on, Pod pod, String more) {
        describe(on, pod, pod.name(), more);
    }

    /// Gives a captured pod another name and service account in the next mesh file.
    public void describeAs(NodeDaemon on, Pod pod, String name) {
        describe(on, pod, name, "protocol: HBONE");
    }

    private void describe(NodeDaemon on, Pod pod, String name, String more) {
        members.put(
                pod.name(),
                MeshText.workload(
                        name,
                        pod.ipv4().getHostAddress() + ", \"" + pod.ipv6().getHostAddress() + "\"",
                        "node: " + on.node().name(),
                        more));
    }

    /// Adds a workload that is no pod of the laboratory.
    public void describe(String name, String lines) {
        members.put(name, lines);
    }

    /// Replaces the mesh file; daemons see it at once.
    ///
    /// @param more what follows the workloads: services and policies
    public void mesh(String more) {
        try {
            Path next = folder.resolve("mesh.next");
            Files.writeString(next, "workloads:\n" + String.join("", members.values()) + more);
            Files.move(
                    next,
                    folder.resolve("mesh.yaml"),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /// What a daemon in in-pod mode gets.
    Map<String, String> environment(String node, Path agent) {
        return Map.ofEntries(
                Map.entry("LOCAL_XDS_PATH", folder.resolve("mesh.yaml").toString()),
                Map.entry("XDS_ADDRESS", ""),
                Map.entry("CA_ADDRESS", "https://" + CA.getHostAddress() + ":" + CA_PORT),
                Map.entry("CA_ROOT_CA", folder.resolve("root-cert.pem").toString()),
                Map.entry("AUTH_TOKEN", TOKEN),
                Map.entry("INPOD_UDS", agent.toString()),
                Map.entry("NODE_NAME", node),
                Map.entry("ZTUNNEL_WORKER_THREADS", "2"));
    }

    public Path folder() {
        return folder;
    }

    /// Signs for whoever plays a peer by hand.
    public IssuingCa root() {
        return root;
    }

    public Namespace fabric() {
        return world.fabric();
    }

    @Override
    public void close() throws IOException {
        for (NodeDaemon node : nodes.values()) {
            node.close();
        }
        world.close();
        door.close();
        ca.close();
    }
}
