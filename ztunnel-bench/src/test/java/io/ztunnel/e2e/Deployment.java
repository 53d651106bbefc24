package io.ztunnel.e2e;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Pod;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;

/// A service with one echo server on the far node, and its rollouts: the new pod is there and known
/// before the old one leaves the mesh, and the old one ends when nobody talks with it any more, as
/// a Deployment does with readiness and a `preStop` hook.
///
/// One thread.
final class Deployment implements AutoCloseable {
    static final int PORT = 80;
    private static final InetAddress VIP = InetAddress.ofLiteral("10.96.0.7");
    private static final String HOST = "shop.default.svc.cluster.local";

    private final TwoNodes nodes;
    private final String others;
    private Replica replica;
    private int replicas;

    private record Replica(Pod pod, ServerSocketChannel server) {
        boolean isTalkedWith() {
            return !pod.namespace()
                    .run("ss", "-tnH", "state", "established", "sport = :" + Conversations.ECHO)
                    .isBlank();
        }
    }

    /// @param others the other workloads' entries in the mesh file
    Deployment(TwoNodes nodes, String others) throws IOException {
        this.nodes = nodes;
        this.others = others;
        this.replica = newReplica();
        publish(entry(replica.pod));
    }

    /// Where clients find it, whoever serves.
    InetSocketAddress address() {
        return new InetSocketAddress(VIP, PORT);
    }

    /// Brings a new pod into the mesh, takes the old one out of it and removes that.
    void rollOut() throws IOException {
        Replica old = replica;
        replica = newReplica();
        publish(entry(old.pod) + entry(replica.pod));
        seen("the new pod", replica.pod, true);
        publish(entry(replica.pod));
        seen("the old pod", old.pod, false);
        MeshLab.eventually("nobody talks with it", () -> !old.isTalkedWith());
        old.server.close();
        nodes.far().remove(old.pod);
        old.pod.namespace().close();
    }

    private Replica newReplica() throws IOException {
        Pod pod = nodes.far().pod("shop-" + ++replicas);
        nodes.far().announce(pod);
        return new Replica(
                pod, Application.serve(pod.namespace(), Conversations.ECHO, Application::echo));
    }

    private String entry(Pod pod) {
        return nodes.far().workload(pod, "services: {default/" + HOST + ": {80: 8080}}");
    }

    private void publish(String replicas) throws IOException {
        nodes.mesh(
                "workloads:\n"
                        + others
                        + replicas
                        + """
                        services:
                        - name: shop
                          namespace: default
                          hostname: %s
                          vips: ["/%s"]
                          ports: {80: 8080}
                        """
                                .formatted(HOST, VIP.getHostAddress()));
    }

    /// Both daemons that serve have it, or have it no more.
    private void seen(String what, Pod pod, boolean present) {
        for (TwoNodes.Side side : new TwoNodes.Side[] {nodes.near(), nodes.far()}) {
            MeshLab.eventually(what + " is seen by " + side, () -> side.knows(pod) == present);
        }
    }

    @Override
    public void close() throws IOException {
        replica.server.close();
    }
}
