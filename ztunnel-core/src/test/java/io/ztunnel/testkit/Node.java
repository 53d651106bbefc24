package io.ztunnel.testkit;

import java.net.InetAddress;
import java.util.List;

/// A machine of the world: a namespace that routes for its pods.
public final class Node {
    private final NetnsWorld world;
    private final String name;
    private final int number;
    private final Namespace namespace;

    Node(NetnsWorld world, String name, int number, Namespace namespace) {
        this.world = world;
        this.name = name;
        this.number = number;
        this.namespace = namespace;
    }

    public String name() {
        return name;
    }

    public Namespace namespace() {
        return namespace;
    }

    /// Its cable in the fabric: where to listen for what goes between nodes.
    public String cable() {
        return "veth" + number;
    }

    public InetAddress ipv4() {
        return InetAddress.ofLiteral("172.172.0." + number);
    }

    /// Adds a pod, reachable from everywhere and without any redirection yet.
    public Pod pod(String podName) {
        int pod = world.nextPod();
        Namespace inside = world.make(name + "-" + podName);
        String ipv4 = "10.0." + number + "." + pod;
        String ipv6 = "fd00:0:" + number + "::" + Integer.toHexString(pod);
        String gateway4 = "10.0." + number + ".1";
        String gateway6 = "fd00:0:" + number + "::1";
        String veth = "veth" + pod;
        namespace.ip(
                "link add " + veth + " type veth peer name eth0 netns " + inside.name(),
                "addr add " + gateway4 + "/32 dev " + veth,
                "addr add " + gateway6 + "/128 dev " + veth + " nodad",
                "link set " + veth + " up",
                "route add " + ipv4 + " dev " + veth,
                "route add " + ipv6 + " dev " + veth);
        inside.ip(
                "addr add " + ipv4 + "/32 dev eth0",
                "addr add " + ipv6 + "/128 dev eth0 nodad",
                "link set eth0 up",
                "route add " + gateway4 + " dev eth0 scope link src " + ipv4,
                "route add default via " + gateway4 + " src " + ipv4,
                "route add " + gateway6 + " dev eth0 src " + ipv6,
                "route add default via " + gateway6 + " src " + ipv6);
        return new Pod(podName, inside, InetAddress.ofLiteral(ipv4), InetAddress.ofLiteral(ipv6));
    }

    void join(Namespace fabric, List<Node> others) {
        fabric.ip(
                "link add " + cable() + " type veth peer name eth0 netns " + namespace.name(),
                "link set " + cable() + " master br0",
                "link set " + cable() + " up",
                "route add 10.0." + number + ".0/24 via 172.172.0." + number,
                "route add fd00:0:" + number + "::/64 via fd00:172::" + hex());
        namespace.ip(
                "addr add 172.172.0." + number + "/16 dev eth0",
                "addr add fd00:172::" + hex() + "/64 dev eth0 nodad",
                "link set eth0 up",
                "route add default via 172.172.0.1",
                "route add default via fd00:172::1");
        for (Node other : others) {
            namespace.ip(routeTo(other));
            other.namespace.ip(other.routeTo(this));
        }
    }

    private String[] routeTo(Node other) {
        return new String[] {
            "route add 10.0." + other.number + ".0/24 via 172.172.0." + other.number,
            "route add fd00:0:" + other.number + "::/64 via fd00:172::" + other.hex()
        };
    }

    private String hex() {
        return Integer.toHexString(number);
    }
}
