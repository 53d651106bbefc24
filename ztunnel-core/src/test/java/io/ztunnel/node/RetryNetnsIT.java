package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;

/// A service with two backends behind daemons of their own, of which one dies in different ways
/// (docs/spec/dataplane.md 2.8). The tests build on each other.
@Tag("netns")
@Timeout(180)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RetryNetnsIT {
    private static final InetAddress VIP = InetAddress.ofLiteral("10.96.0.1");
    private static final String COMPLETE = "connection complete";
    private static final String SERVICES =
            """
            services:
            - name: shop
              namespace: default
              hostname: shop.default.svc.cluster.local
              vips: ["/10.96.0.1"]
              ports: {80: 8080}
              endpoints:
                "Kubernetes//Pod/default/server:":
                  workloadUid: "Kubernetes//Pod/default/server"
                  port: {80: 8080}
                  status: Healthy
                "Kubernetes//Pod/default/neighbour:":
                  workloadUid: "Kubernetes//Pod/default/neighbour"
                  port: {80: 8080}
                  status: Healthy
            """;

    @TempDir static Path folder;

    private static MeshLab lab;
    private static Pod neighbour;
    private static ServerSocketChannel serverEcho;
    private static ServerSocketChannel neighbourEcho;
    private static DaemonProcess client;
    private static DaemonProcess serverSide;

    @BeforeAll
    static void build() {
        lab = new MeshLab(folder, Redirection.iptables());
        neighbour = lab.neighbour();
        lab.mesh(SERVICES);
        serverEcho = Application.serve(lab.server().namespace(), 8080, Application::echo);
        // One worker and no forgetting, so that each kind of death costs exactly one detour.
        client =
                lab.daemon(
                        lab.client(),
                        DaemonProcess.ours(),
                        "ZTUNNEL_WORKER_THREADS=1",
                        "OUTBOUND_AVOID_TIME=10m");
        serverSide = lab.daemon(lab.server(), DaemonProcess.ours());
    }

    @AfterAll
    static void remove() throws IOException {
        if (neighbourEcho != null) {
            neighbourEcho.close();
        }
        serverEcho.close();
        lab.close();
    }

    private static void roundTrips(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            try (Socket socket = Application.connect(lab.client().namespace(), VIP, 80)) {
                Conversations.roundTrip(socket, "number " + i);
                socket.shutdownOutput();
                assertThat(socket.getInputStream().read()).isEqualTo(-1);
            }
        }
    }

    @Test
    @Order(1)
    void aBackendWhoseDaemonIsGoneCostsNobodyItsConnection() throws Exception {
        roundTrips(30);

        MeshLab.eventually("30 lines", () -> client.lines(COMPLETE).size() == 30);
        assertThat(client.lines("error=")).isEmpty();
        assertThat(client.lines("attempts=2")).hasSize(1);
        assertThat(client.lines("is avoided for"))
                .singleElement()
                .asString()
                .contains("Kubernetes//Pod/default/neighbour", "Connection refused");
        assertThat(client.get("http://127.0.0.1:15020/metrics"))
                .contains(
                        "ztunnel_connect_retries_total{response_flags=\"CONNECT\"} 1",
                        "ztunnel_connect_rescued_total 1",
                        "ztunnel_endpoints_avoided_total 1");
    }

    @Test
    @Order(2)
    void aBackendWhoseApplicationIsGoneCostsNobodyItsConnection() throws Exception {
        lab.daemon(neighbour, DaemonProcess.ours());
        restartClient();

        roundTrips(30);

        MeshLab.eventually("30 lines", () -> client.lines(COMPLETE).size() == 30);
        assertThat(client.lines("error=")).isEmpty();
        assertThat(client.lines("attempts=2")).hasSize(1);
        assertThat(client.lines("is avoided for"))
                .singleElement()
                .asString()
                .contains("neighbour:8080 ", "http status: 503 Service Unavailable");
    }

    @Test
    @Order(3)
    void aDenialIsTriedNowhereElse() throws Exception {
        neighbourEcho = Application.serve(neighbour.namespace(), 8080, Application::echo);
        lab.mesh(
                SERVICES
                        + MeshLab.policy(
                                "not-here",
                                "Deny",
                                "[[[{destinationIps: ["
                                        + neighbour.ipv4().getHostAddress()
                                        + "/32]}]]]"));
        restartClient();

        int denied = 0;
        for (int i = 0; i < 40; i++) {
            try (Socket socket = Application.connect(lab.client().namespace(), VIP, 80)) {
                socket.getOutputStream().write("x".getBytes(US_ASCII));
                denied += socket.getInputStream().read() < 0 ? 1 : 0;
            } catch (IOException reset) {
                denied++;
            }
        }

        int expected = denied;
        assertThat(denied).isBetween(5, 35);
        MeshLab.eventually("the lines", () -> client.lines(COMPLETE).size() == 40);
        assertThat(client.lines("http status: 401 Unauthorized")).hasSize(expected);
        assertThat(client.lines("attempts=")).isEmpty();
        assertThat(client.lines("is avoided for")).isEmpty();
    }

    @Test
    @Order(4)
    void aDaemonThatIsKilledWithItsTunnelsIsPassedBy() throws Exception {
        lab.mesh(SERVICES);
        restartClient();
        MeshLab.eventually("both answer", RetryNetnsIT::bothAnswer);
        int before = client.lines("error=").size();

        serverSide.process().destroyForcibly().waitFor();
        roundTrips(30);

        assertThat(client.lines("error=")).hasSize(before);
        assertThat(client.lines("is avoided for"))
                .singleElement()
                .asString()
                .contains("Kubernetes//Pod/default/server ");
    }

    private static boolean bothAnswer() {
        try {
            roundTrips(10);
        } catch (IOException | AssertionError denied) {
            return false;
        }
        return !client.lines("dst.workload=\"server\"").isEmpty()
                && !client.lines("dst.workload=\"neighbour\"").isEmpty();
    }

    private static void restartClient() throws Exception {
        client.process().destroyForcibly().waitFor();
        client =
                lab.daemon(
                        lab.client(),
                        DaemonProcess.ours(),
                        "ZTUNNEL_WORKER_THREADS=1",
                        "OUTBOUND_AVOID_TIME=10m");
    }
}
