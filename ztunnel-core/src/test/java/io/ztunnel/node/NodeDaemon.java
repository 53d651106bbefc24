package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.ZdsServer;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// A node with its agent and its daemon. One thread.
public final class NodeDaemon implements AutoCloseable {
    private final NodeLab lab;
    private final Node node;
    private final Path socket;
    private ZdsServer agent;
    private ZdsServer.Connection conversation;
    private DaemonProcess daemon;
    private int daemons;

    NodeDaemon(NodeLab lab, Node node) throws IOException {
        this.lab = lab;
        this.node = node;
        this.socket = lab.folder().resolve(node.name() + ".sock");
        this.agent = ZdsServer.at(socket);
    }

    public Node node() {
        return node;
    }

    public InetAddress address() {
        return node.ipv4();
    }

    public DaemonProcess daemon() {
        return daemon;
    }

    public ZdsServer.Connection conversation() {
        return conversation;
    }

    /// Starts a daemon and tells it of the pods.
    ///
    /// @param settings `NAME=value`, in place of what daemons usually get
    public NodeDaemon start(String[] settings, Pod... pods) throws IOException {
        launch(settings);
        greet(pods);
        MeshLab.eventually("ready: " + node.name(), daemon::isReady);
        return this;
    }

    public NodeDaemon start(Pod... pods) throws IOException {
        return start(new String[0], pods);
    }

    /// Starts a daemon without waiting for it. One that was there goes on, and is the caller's.
    public void launch(String... settings) {
        Map<String, String> environment = new HashMap<>(lab.environment(node.name(), socket));
        for (String each : settings) {
            environment.put(
                    each.substring(0, each.indexOf('=')), each.substring(each.indexOf('=') + 1));
        }
        daemon =
                DaemonProcess.start(
                        node.namespace(),
                        DaemonProcess.ours(),
                        environment,
                        lab.folder().resolve(node.name() + "-" + ++daemons + ".log"));
    }

    /// Accepts the next connection of a daemon and tells it of all pods.
    public void greet(Pod... pods) throws IOException {
        conversation = agent.greeted();
        for (Pod pod : pods) {
            assertThat(add(pod)).as(pod.name()).isEmpty();
        }
        assertThat(conversation.ask(ZdsServer.snapshotSent())).isEmpty();
    }

    /// As [#greet], by an agent that has lost the namespaces.
    public void greetKeeping(String... uids) throws IOException {
        conversation = agent.greeted();
        for (String uid : uids) {
            assertThat(conversation.ask(ZdsServer.keepOf(uid))).as(uid).isEmpty();
        }
        assertThat(conversation.ask(ZdsServer.snapshotSent())).isEmpty();
        MeshLab.eventually("ready: " + node.name(), daemon::isReady);
    }

    /// @return the error of the answer, empty when all went well
    public String add(Pod pod) throws IOException {
        return add("uid-" + pod.name(), pod);
    }

    /// The same for a pod whose namespace is another one than its uid would say.
    public String add(String uid, Pod pod) throws IOException {
        return addAs(uid, pod, pod.name());
    }

    /// The same under another name and service account.
    public String addAs(String uid, Pod pod, String name) throws IOException {
        int descriptor = LibC.open(pod.namespace().path().toString());
        try {
            return conversation.ask(
                    WorkloadRequest.newBuilder()
                            .setAdd(
                                    AddWorkload.newBuilder()
                                            .setUid(uid)
                                            .setWorkloadInfo(ZdsServer.info(name, "default", name)))
                            .build(),
                    descriptor);
        } finally {
            LibC.close(descriptor);
        }
    }

    public String delete(Pod pod) throws IOException {
        return conversation.ask(ZdsServer.deleteOf("uid-" + pod.name()));
    }

    /// The agent ends; its socket is gone until it [#agentReturns].
    public void agentLeaves() throws IOException {
        conversation.close();
        agent.close();
    }

    public void agentReturns() throws IOException {
        agent = ZdsServer.at(socket);
    }

    public String dump() {
        return daemon.get("http://127.0.0.1:15000/config_dump");
    }

    @Override
    public void close() throws IOException {
        if (conversation != null) {
            conversation.close();
        }
        agent.close();
    }
}
