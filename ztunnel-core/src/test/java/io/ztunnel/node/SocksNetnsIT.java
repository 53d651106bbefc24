package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.Socket;
import java.util.List;

/// Where the SOCKS5 listener of a whole daemon leads, with curl (docs/spec/dataplane.md 10 and
/// 13.10).
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SocksNetnsIT extends SocksWorld {
    private static final String HOST = "local-vip.default.svc.cluster.local";

    @ParameterizedTest
    @CsvSource({
        "HBONE workload, local", "TCP workload, local", "VIP, local",
        "HBONE workload, ''", "TCP workload, ''", "VIP, ''"
    })
    void row140_aRoundTripToEachKindOfDestination(String kind, String node) {
        mesh(node);
        String to =
                switch (kind) {
                    case "HBONE workload" -> lab.server().ipv4().getHostAddress() + ":" + WEB;
                    case "TCP workload" -> plain.ipv4().getHostAddress() + ":" + WEB;
                    default -> VIP + ":80";
                };
        MeshLab.eventually(
                "an answer from " + to,
                () -> curl("--socks5", "http://" + to + "/").equals("hello\n"));
    }

    @Test
    void row140_overIpv6() {
        String to = "[" + lab.server().ipv6().getHostAddress() + "]:" + WEB;
        assertThat(curl("--socks5", "http://" + to + "/")).isEqualTo("hello\n");
    }

    @Test
    void row141_aHostNameOfTheMesh() {
        assertThat(curl("--socks5-hostname", "http://" + HOST + ":80/")).isEqualTo("hello\n");
        assertThat(curl("--socks5-hostname", "http://" + HOST + ".:80/")).isEqualTo("hello\n");
    }

    @Test
    void row141_aHostNameOfTheResolver() {
        // The pod's own server, as the resolver knows it.
        assertThat(curl("--socks5-hostname", "http://localhost:" + WEB + "/")).isEqualTo("hello\n");
    }

    @Test
    void row141_aHostNameThatNobodyKnowsIsUnreachable() throws Exception {
        try (Socket socket = open()) {
            say(socket, "050100");
            hear(socket, 2);
            say(socket, "0501000307" + "6e6f2e7375" + "6368" + "0050");
            assertThat(hear(socket, 10)).isEqualTo("05040001000000000000");
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void row142_aWorkloadThatHasOnlyAHostNameIsLookedUpForEachConnection() {
        long before = daemon.metric("istio_on_demand_dns_total", "");
        for (int i = 0; i < 2; i++) {
            assertThat(curl("--socks5", "http://10.96.0.2:80/")).isEqualTo("hello\n");
        }
        MeshLab.eventually(
                "two lookups", () -> daemon.metric("istio_on_demand_dns_total", "") - before == 2);
    }

    @Test
    @Order(1)
    void row145_onlyStableMetricsDoNotCallThemselvesUnstable() {
        List<String> stable =
                daemon.get("http://127.0.0.1:15020/metrics")
                        .lines()
                        .filter(line -> line.startsWith("# HELP ") && !line.contains("unstable"))
                        .map(line -> line.split(" ")[2])
                        .toList();
        assertThat(stable)
                .isNotEmpty()
                .allMatch(
                        name ->
                                name.equals("istio_build")
                                        || name.startsWith("process_")
                                        || List.of(
                                                        "istio_tcp_connections_opened",
                                                        "istio_tcp_connections_closed",
                                                        "istio_tcp_received_bytes",
                                                        "istio_tcp_sent_bytes")
                                                .contains(name));
    }

    @Test
    @Order(2)
    void row143_row144_oneConnectionIsCountedWithItsBytes() throws Exception {
        String source = "reporter=\"source\"";
        try (Socket socket = connected(lab.server().ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(socket, "hello world");
            MeshLab.eventually(
                    "opened and counted",
                    () -> daemon.metric("istio_tcp_connections_opened_total", source) == 1);
            assertThat(daemon.metric("istio_tcp_connections_closed_total", source)).isZero();
            assertThat(daemon.metric("istio_tcp_sockets_open", source)).isEqualTo(1);
        }
        MeshLab.eventually(
                "closed", () -> daemon.metric("istio_tcp_connections_closed_total", source) == 1);
        assertThat(daemon.metric("istio_tcp_received_bytes_total", source)).isEqualTo(11);
        assertThat(daemon.metric("istio_tcp_sent_bytes_total", source)).isEqualTo(11);
        MeshLab.eventually(
                "no socket is open", () -> daemon.metric("istio_tcp_sockets_open", source) == 0);
        assertThat(daemon.lines("connection complete").getLast())
                .contains("direction=\"outbound\"", "src.addr=127.0.0.1:", "bytes_sent=11");
    }
}
