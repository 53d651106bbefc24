package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.testkit.ZdsServer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A client pod on one node and a server pod on another, each with its node agent, and daemons in
/// shared mode that come and go as a DaemonSet's pods do: the new one beside the old one.
///
/// One thread.
final class TwoNodes implements AutoCloseable {
    private static final String CA = "172.172.0.1";

    private final Path folder;
    private final Duration deadline;
    private final NetnsWorld world = new NetnsWorld();
    private final Side near;
    private final Side far;

    /// @param deadline how long a daemon that ends lets connections go on
    TwoNodes(Path folder, Duration deadline) throws IOException {
        this.folder = folder;
        this.deadline = deadline;
        near = new Side("node-1", "client");
        far = new Side("node-2", "server");
        List<String> authority =
                DaemonProcess.java(
                        LocalCa.class.getName() + "$Main",
                        "--listen",
                        CA + ":15012",
                        "--name",
                        CA,
                        "--out",
                        folder.toString());
        world.fabric().start(authority, Map.of(), folder.resolve("ca.log").toFile());
        MeshLab.eventually(
                "the CA answers", () -> folder.resolve("root-cert.pem").toFile().length() > 0);
        mesh("workloads:\n" + workloads());
    }

    /// The entries of the two pods in the mesh file.
    String workloads() {
        return near.workload(near.pod, "") + far.workload(far.pod, "");
    }

    Side near() {
        return near;
    }

    Side far() {
        return far;
    }

    /// Replaces the mesh file.
    void mesh(String text) throws IOException {
        Path next = folder.resolve("mesh.next");
        Files.writeString(next, text);
        Files.move(
                next,
                folder.resolve("mesh.yaml"),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void close() throws IOException {
        near.agent.close();
        far.agent.close();
        world.close();
    }

    /// A node with captured pods, the first of them made with it.
    final class Side {
        private final String name;
        private final Node node;
        private final Pod pod;
        private final List<Pod> pods = new ArrayList<>();
        private final List<Pod> homes = new ArrayList<>();
        private final ZdsServer agent;
        private int daemons;
        private DaemonProcess serving;
        private ZdsServer.Connection conversation;

        private Side(String name, String podName) throws IOException {
            this.name = name;
            node = world.node(name);
            pod = pod(podName);
            // Hundreds of connections per second, for minutes, between the same two addresses.
            pod.namespace()
                    .run(
                            "sh",
                            "-c",
                            "cd /proc/sys/net/ipv4; echo 16000 65000 > ip_local_port_range;"
                                    + " echo 2000 > tcp_max_tw_buckets; echo 1 > tcp_tw_reuse");
            homes.add(node.pod("ztunnel-a"));
            homes.add(node.pod("ztunnel-b"));
            agent = ZdsServer.at(folder.resolve(name + ".sock"));
        }

        Pod pod() {
            return pod;
        }

        /// Adds a captured pod; the next daemon that starts gets it.
        Pod pod(String podName) {
            Pod added = node.pod(podName).redirected(Redirection.iptables().withoutDns());
            pods.add(added);
            return added;
        }

        /// Adds a pod that nothing is captured of.
        Pod outsider(String podName) {
            return node.pod(podName);
        }

        /// Tells the serving daemon of a pod that was added after it started.
        void announce(Pod added) throws IOException {
            assertThat(add(added)).isEmpty();
        }

        /// Whether the serving daemon has the pod in its mesh.
        boolean knows(Pod any) {
            return serving.get("http://127.0.0.1:15000/config_dump").contains('"' + uid(any) + '"');
        }

        /// Tells the serving daemon that a pod is gone.
        void remove(Pod gone) throws IOException {
            pods.remove(gone);
            assertThat(conversation.ask(ZdsServer.deleteOf("uid-" + gone.name()))).isEmpty();
        }

        DaemonProcess serving() {
            return serving;
        }

        /// Where the first daemon lives.
        Pod firstHome() {
            return homes.getFirst();
        }

        /// Where the daemon that serves lives itself.
        Pod home() {
            return homes.get((daemons - 1) % homes.size());
        }

        /// Starts a daemon beside the one that serves, until it is ready.
        ///
        /// @param more `NAME=value`, in addition to what they usually get
        DaemonProcess start(List<String> command, String... more) throws IOException {
            Map<String, String> environment = new HashMap<>();
            environment.put("LOCAL_XDS_PATH", folder.resolve("mesh.yaml").toString());
            environment.put("XDS_ADDRESS", "");
            environment.put("CA_ADDRESS", "https://" + CA + ":15012");
            environment.put("CA_ROOT_CA", folder.resolve("root-cert.pem").toString());
            environment.put("AUTH_TOKEN", folder.resolve("token").toString());
            environment.put("INPOD_UDS", folder.resolve(name + ".sock").toString());
            environment.put("NODE_NAME", name);
            environment.put("ISTIO_META_DNS_CAPTURE", "false");
            environment.put("ZTUNNEL_WORKER_THREADS", "2");
            environment.put("CONNECTION_TERMINATION_DEADLINE", deadline.toSeconds() + "s");
            for (String each : more) {
                environment.put(
                        each.substring(0, each.indexOf('=')),
                        each.substring(each.indexOf('=') + 1));
            }
            DaemonProcess daemon =
                    DaemonProcess.start(
                            homes.get(daemons++ % homes.size()).namespace(),
                            command,
                            environment,
                            folder.resolve(name + "-" + daemons + ".log"));
            // The old conversation ends with the old daemon; nothing is to be said in it.
            conversation = agent.greeted();
            for (Pod each : pods) {
                assertThat(add(each)).isEmpty();
            }
            assertThat(conversation.ask(ZdsServer.snapshotSent())).isEmpty();
            MeshLab.eventually("ready: " + name, daemon::isReady);
            serving = daemon;
            return daemon;
        }

        private String add(Pod added) throws IOException {
            int descriptor = LibC.open(added.namespace().path().toString());
            try {
                return conversation.ask(
                        WorkloadRequest.newBuilder()
                                .setAdd(
                                        AddWorkload.newBuilder()
                                                .setUid("uid-" + added.name())
                                                .setWorkloadInfo(
                                                        ZdsServer.info(
                                                                added.name(),
                                                                "default",
                                                                added.name())))
                                .build(),
                        descriptor);
            } finally {
                LibC.close(descriptor);
            }
        }

        /// An entry of the mesh file.
        ///
        /// @param more further fields; `services` among them replaces the empty one
        String workload(Pod of, String more) {
            return """
            - uid: %6$s
              name: %1$s
              namespace: default
              serviceAccount: %1$s
              trustDomain: cluster.local
              workloadName: %1$s
              canonicalName: %1$s
              node: %2$s
              workloadIps: [%3$s]
              protocol: HBONE
            %4$s
              %5$s
            """
                    .formatted(
                            of.name(),
                            name,
                            of.ipv4().getHostAddress(),
                            more.contains("services:") ? "" : "  services: {}",
                            more,
                            uid(of));
        }

        private static String uid(Pod of) {
            return "Kubernetes//Pod/default/" + of.name();
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
