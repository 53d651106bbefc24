package io.ztunnel.node;

import static io.ztunnel.testkit.ZdsServer.deleteOf;
import static io.ztunnel.testkit.ZdsServer.info;
import static io.ztunnel.testkit.ZdsServer.snapshotSent;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;

import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.testkit.Shell;
import io.ztunnel.testkit.ZdsServer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/// The mode that Kubernetes uses, with everything real but Kubernetes: one daemon for the pods of a
/// node, announced by a node agent with their namespaces, iptables rules in them, certificates from
/// a CA that checks tokens (docs/spec/inpod-and-deployment.md, docs/spec/dataplane.md row 146).
@Tag("netns")
@Timeout(180)
class NodeNetnsIT {
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    @TempDir Path folder;

    private NetnsWorld world;
    private Node node;
    private Pod client;
    private Pod server;
    private Pod noisy;
    private ZdsServer agent;
    private Process daemon;
    private HttpServer application;

    @BeforeEach
    void build() throws Exception {
        world = new NetnsWorld();
        node = world.node("node-1");
        client = node.pod("client").redirected(Redirection.iptables());
        server = node.pod("server").redirected(Redirection.iptables());
        application =
                server.namespace()
                        .inside(
                                () -> {
                                    try {
                                        return HttpServer.create(new InetSocketAddress(8080), 0);
                                    } catch (IOException failed) {
                                        throw new IllegalStateException(failed);
                                    }
                                });
        application.createContext(
                "/",
                exchange -> {
                    byte[] page = "hello from the server\n".getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(200, page.length);
                    exchange.getResponseBody().write(page);
                    exchange.close();
                });
        application.start();
        agent = ZdsServer.at(folder.resolve("zds.sock"));
        node.namespace()
                .start(
                        JavaProgram.of(
                                LocalCa.class.getName() + "$Main",
                                "--listen",
                                "127.0.0.1:15012",
                                "--out",
                                folder.toString()),
                        Map.of(),
                        log("ca"));
        eventually("the CA answers", () -> folder.resolve("root-cert.pem").toFile().length() > 0);
        mesh("");
        daemon =
                node.namespace()
                        .start(
                                JavaProgram.of("io.ztunnel.Main", "proxy", "ztunnel"),
                                Map.of(
                                        "LOCAL_XDS_PATH",
                                        folder.resolve("mesh.yaml").toString(),
                                        "XDS_ADDRESS",
                                        "",
                                        "CA_ADDRESS",
                                        "https://127.0.0.1:15012",
                                        "CA_ROOT_CA",
                                        folder.resolve("root-cert.pem").toString(),
                                        "AUTH_TOKEN",
                                        folder.resolve("token").toString(),
                                        "INPOD_UDS",
                                        folder.resolve("zds.sock").toString(),
                                        "NODE_NAME",
                                        "node-1",
                                        "ZTUNNEL_WORKER_THREADS",
                                        "2",
                                        "ZTUNNEL_MAX_SOCKETS",
                                        "256"),
                                log("ztunnel"));
    }

    @AfterEach
    void remove() throws IOException {
        application.stop(0);
        agent.close();
        world.close();
    }

    @Test
    void row146_twoPodsOfOneNodeTalkThroughTheMeshUntilOneLeaves() throws Exception {
        try (ZdsServer.Connection us = agent.greeted()) {
            assertThat(ready().succeeded()).as("ready before the snapshot").isFalse();
            assertThat(add(us, client)).isEmpty();
            assertThat(add(us, server)).isEmpty();
            assertThat(us.ask(snapshotSent())).isEmpty();
            eventually("the node is ready", () -> ready().succeeded());

            assertAnswered();
            eventually("both access lines", () -> accessLines().size() >= 2);
            assertThat(accessLines())
                    .anySatisfy(
                            line ->
                                    assertThat(line)
                                            .contains(
                                                    "direction=\"outbound\"",
                                                    "spiffe://cluster.local/ns/default/sa/client",
                                                    "spiffe://cluster.local/ns/default/sa/server"))
                    .anySatisfy(
                            line ->
                                    assertThat(line)
                                            .contains(
                                                    "direction=\"inbound\"",
                                                    // The application's peer is the client itself.
                                                    "src.addr=" + client.ipv4().getHostAddress()));
            assertThat(dump()).contains("\"workloadState\"", "uid-client", "\"state\": \"Up\"");

            mesh(
                    """
                    policies:
                    - name: nobody
                      namespace: default
                      scope: Namespace
                      action: Allow
                      dryRun: false
                      rules: []
                    """);
            eventually("the policy cuts the client off", () -> !curl().succeeded());

            assertThat(us.ask(deleteOf("uid-server"))).isEmpty();
            eventually("the pod is gone", () -> !dump().contains("uid-server"));
        }
        assertThat(daemon.isAlive()).isTrue();
    }

    @Test
    void thePodsKeepRunningWhenTheAgentGoesAndAreKeptWhenItComesBack() throws Exception {
        try (ZdsServer.Connection first = agent.greeted()) {
            assertThat(add(first, client)).isEmpty();
            assertThat(add(first, server)).isEmpty();
            assertThat(first.ask(snapshotSent())).isEmpty();
            eventually("the node is ready", () -> ready().succeeded());
        }
        assertAnswered();

        try (ZdsServer.Connection second = agent.greeted()) {
            assertThat(second.ask(ZdsServer.keepOf("uid-client"))).isEmpty();
            assertThat(second.ask(ZdsServer.keepOf("uid-server"))).isEmpty();
            assertThat(second.ask(snapshotSent())).isEmpty();
            eventually("the node is ready again", () -> ready().succeeded());
            assertAnswered();
        }
    }

    /// docs/spec/dataplane.md 9.5.
    @Test
    void aFloodFromOnePodIsRefusedAndTheOthersAreServedMeanwhile() throws Exception {
        noisy = node.pod("noisy").redirected(Redirection.iptables());
        mesh("");
        List<Socket> flood = new ArrayList<>();
        try (ZdsServer.Connection us = agent.greeted();
                ServerSocketChannel _ =
                        Application.serve(node.namespace(), 9000, Application::echo)) {
            for (Pod pod : List.of(client, server, noisy)) {
                assertThat(add(us, pod)).isEmpty();
            }
            assertThat(us.ask(snapshotSent())).isEmpty();
            eventually("the node is ready", () -> ready().succeeded());
            for (int i = 0; i < 400; i++) {
                flood.add(Application.connect(noisy.namespace(), node.ipv4(), 9000));
            }
            eventually("it is refused", () -> !lines("refusing connections").isEmpty());

            for (int i = 0; i < 5; i++) {
                assertAnswered();
            }
            assertThat(lines("refusing connections"))
                    .allSatisfy(line -> assertThat(line).contains("default/noisy", "sockets"));
        } finally {
            MeshLab.closeAll(flood);
        }
    }

    private String add(ZdsServer.Connection connection, Pod pod) throws IOException {
        int descriptor = LibC.open(pod.namespace().path().toString());
        try {
            return connection.ask(
                    WorkloadRequest.newBuilder()
                            .setAdd(
                                    AddWorkload.newBuilder()
                                            .setUid("uid-" + pod.name())
                                            .setWorkloadInfo(
                                                    info(pod.name(), "default", pod.name())))
                            .build(),
                    descriptor);
        } finally {
            LibC.close(descriptor);
        }
    }

    private void assertAnswered() throws IOException {
        assertThat(curl().output()).as(tail("ztunnel.log")).contains("hello from the server");
    }

    private Shell.Outcome curl() {
        return client.namespace()
                .tryRun(
                        "curl",
                        "-sS",
                        "--max-time",
                        "10",
                        "http://" + server.ipv4().getHostAddress() + ":8080/");
    }

    private Shell.Outcome ready() {
        return node.namespace()
                .tryRun("curl", "-fsS", "--max-time", "2", "http://127.0.0.1:15021/healthz/ready");
    }

    private String dump() {
        return node.namespace()
                .tryRun("curl", "-fsS", "--max-time", "5", "http://127.0.0.1:15000/config_dump")
                .output();
    }

    private List<String> accessLines() {
        return lines("connection complete");
    }

    private List<String> lines(String part) {
        try {
            return Files.readAllLines(folder.resolve("ztunnel.log")).stream()
                    .filter(line -> line.contains(part))
                    .toList();
        } catch (IOException failed) {
            throw new IllegalStateException(failed);
        }
    }

    private void mesh(String policies) throws IOException {
        Path next = folder.resolve("mesh.next");
        Files.writeString(
                next,
                "workloads:\n"
                        + workload(client)
                        + workload(server)
                        + (noisy == null ? "" : workload(noisy))
                        + policies);
        Files.move(
                next,
                folder.resolve("mesh.yaml"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING,
                java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    private static String workload(Pod pod) {
        return MeshText.workload(pod.name(), pod.ipv4().getHostAddress(), "node: node-1");
    }

    private java.io.File log(String name) {
        return folder.resolve(name + ".log").toFile();
    }

    private void eventually(String what, BooleanSupplier holds) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        what + " did not happen; the daemon said:\n" + tail("ztunnel.log"));
            }
            Thread.onSpinWait();
            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        }
    }

    private String tail(String name) throws IOException {
        List<String> lines = Files.readAllLines(folder.resolve(name));
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
    }
}
