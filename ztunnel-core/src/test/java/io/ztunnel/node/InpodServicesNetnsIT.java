package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.List;

/// The scenarios of docs/spec/inpod-and-deployment.md 4.4 by their names there, with services,
/// waypoints and gateways in between.
class InpodServicesNetnsIT extends InpodWorld {
    @Test
    void row150_workload_waypoint() throws Exception {
        waypoint("10.0.3.201", 8080);
    }

    @Test
    void row153_service_waypoint() throws Exception {
        waypoint("10.10.0.6", 80);
    }

    @Test
    void row154_service_waypoint_hostname() throws Exception {
        waypoint("10.0.3.202", 8080);
    }

    @Test
    void row155_service_waypoint_workload_hostname() throws Exception {
        waypoint("10.0.3.203", 8080);
    }

    @Test
    void row151_double_hbone1() throws Exception {
        Side source = Side.of(near, "source");
        throughThePeer(client.namespace(), "10.10.0.2", 8080);
        assertThat(source.oneConnection(11, 20))
                .contains(
                        "dst.hbone_addr=remote.default.svc.cluster.local:8080",
                        "dst.workload=\"echo\"",
                        "dst.identity=\"" + SPIFFE + "echo\"");
    }

    @Test
    void row152_double_hbone2() throws Exception {
        throughThePeer(client.namespace(), "10.10.0.3", 8080);
    }

    @Test
    void row156_sandwich_waypoint_plain() throws Exception {
        try (AutoCloseable _ =
                Application.serve(
                        sandwich.namespace(),
                        15088,
                        Application.forwarding(
                                sandwich.namespace(),
                                new InetSocketAddress(server.ipv4(), DOUBLER)))) {
            elevenForTwentyTwo(client, InetAddress.ofLiteral("10.0.3.204"), 8080);
        }
    }

    @Test
    void row157_sandwich_waypoint_proxy_protocol() throws Exception {
        List<String> announced = new java.util.concurrent.CopyOnWriteArrayList<>();
        try (AutoCloseable _ =
                Application.serve(
                        sandwichProxy.namespace(),
                        15088,
                        connection -> announce(connection, announced))) {
            elevenForTwentyTwo(client, InetAddress.ofLiteral("10.0.3.205"), 8080);
        }
        assertThat(announced)
                .containsExactly(client.ipv4().getHostAddress() + " to 10.0.3.205:8080");
    }

    /// Reads a PROXY header, version 2 over IPv4, keeps what it says, and serves.
    private static void announce(SocketChannel connection, List<String> announced) {
        try {
            byte[] head = connection.socket().getInputStream().readNBytes(16);
            int length = Byte.toUnsignedInt(head[14]) << 8 | Byte.toUnsignedInt(head[15]);
            byte[] rest = connection.socket().getInputStream().readNBytes(length);
            InetAddress from = InetAddress.getByAddress(java.util.Arrays.copyOf(rest, 4));
            InetAddress to = InetAddress.getByAddress(java.util.Arrays.copyOfRange(rest, 4, 8));
            int port = Byte.toUnsignedInt(rest[10]) << 8 | Byte.toUnsignedInt(rest[11]);
            announced.add(from.getHostAddress() + " to " + to.getHostAddress() + ":" + port);
            doubled(connection);
        } catch (IOException gone) {
            // The client will tell.
        }
    }

    @Test
    void row158_service_loadbalancing() throws Exception {
        long nearBefore = intoService(near);
        long farBefore = intoService(far);
        for (int i = 0; i < 50; i++) {
            elevenForTwentyTwo(client, InetAddress.ofLiteral("10.10.0.1"), 80);
        }
        MeshLab.eventually(
                "fifty in all, some on each node",
                () -> {
                    long onNear = intoService(near) - nearBefore;
                    long onFar = intoService(far) - farBefore;
                    return onNear > 0 && onFar > 0 && onNear + onFar == 50;
                });
    }

    /// Connections that a daemon has taken for the balanced service.
    private static long intoService(NodeDaemon node) {
        return node.daemon()
                .get("http://127.0.0.1:15020/metrics")
                .lines()
                .filter(line -> line.startsWith("istio_tcp_connections_opened_total{"))
                .filter(line -> line.contains("reporter=\"destination\""))
                .filter(line -> line.contains("=\"lb.default.svc.cluster.local\""))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @Test
    void passthroughKeepsTheDestination() {
        // Nobody is at a virtual address, and that is where the service wants connections to go.
        assertThatThrownBy(() -> elevenForTwentyTwo(client, InetAddress.ofLiteral("10.10.0.8"), 80))
                .isInstanceOfAny(IOException.class, AssertionError.class);
        MeshLab.eventually(
                "it says where to",
                () ->
                        near.daemon().lines("dst.addr=10.10.0.8:80").stream()
                                .anyMatch(line -> !line.contains("dst.hbone_addr")));
    }
}
