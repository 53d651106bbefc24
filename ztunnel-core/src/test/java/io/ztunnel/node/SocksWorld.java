package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/// A daemon that listens for SOCKS5 in a pod, and what it may be asked for.
@Tag("netns")
@Timeout(120)
abstract class SocksWorld {
    static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    static final int SOCKS = 15080;
    static final int WEB = 8090;
    static final String VIP = "10.96.0.1";
    static final String[] WITH_NAMES = {
        "UNSTABLE_ENABLE_SOCKS5=true", "ISTIO_META_DNS_CAPTURE=true", "NODE_NAME=local"
    };

    @TempDir static Path folder;

    static MeshLab lab;
    static Pod client;
    static Pod plain;
    static DaemonProcess daemon;
    static final List<AutoCloseable> applications = new java.util.ArrayList<>();

    @BeforeAll
    static void build() {
        lab = new MeshLab(folder, Redirection.nft());
        client = lab.client();
        plain = lab.outsider();
        for (Pod each : List.of(lab.server(), plain, client)) {
            applications.add(serve(each, Conversations.ECHO, Application::echo));
            applications.add(serve(each, WEB, Application::page));
        }
        mesh("local");
        lab.daemon(lab.server(), DaemonProcess.ours());
        daemon = lab.daemon(client, DaemonProcess.ours(), WITH_NAMES);
    }

    static ServerSocketChannel serve(
            Pod pod, int port, java.util.function.Consumer<java.nio.channels.SocketChannel> what) {
        return Application.serve(pod.namespace(), port, what);
    }

    @AfterAll
    static void remove() throws Exception {
        lab.close();
        MeshLab.closeAll(applications);
        applications.clear();
    }

    /// The pods, a plain workload, one that has only a host name, and services of both.
    static void mesh(String node) {
        lab.home(client, "local");
        lab.home(lab.server(), node);
        lab.mesh(
                """
                - uid: Kubernetes//Pod/default/plain
                  name: plain
                  namespace: default
                  serviceAccount: plain
                  workloadIps: ["%1$s"]
                  protocol: TCP
                  node: "%3$s"
                  services: {}
                - uid: Kubernetes//Pod/default/named
                  name: named
                  namespace: default
                  serviceAccount: named
                  workloadIps: []
                  hostname: localhost
                  protocol: TCP
                  node: "%3$s"
                  services: {}
                services:
                - name: local-vip
                  namespace: default
                  hostname: local-vip.default.svc.cluster.local
                  vips: ["/%2$s"]
                  ports: {80: 8090, 81: 8080}
                  endpoints:
                    "Kubernetes//Pod/default/server:":
                      workloadUid: "Kubernetes//Pod/default/server"
                      port: {80: 8090, 81: 8080}
                      status: Healthy
                - name: named
                  namespace: default
                  hostname: named.default.svc.cluster.local
                  vips: ["/10.96.0.2"]
                  ports: {80: 8090}
                  endpoints:
                    "Kubernetes//Pod/default/named:":
                      workloadUid: "Kubernetes//Pod/default/named"
                      port: {80: 8090}
                      status: Healthy
                """
                        .formatted(plain.ipv4().getHostAddress(), VIP, node));
    }

    static String curl(String option, String url) {
        return client.namespace()
                .tryRun("curl", "-sS", "--max-time", "20", option, "127.0.0.1:" + SOCKS, url)
                .output();
    }

    static Socket open() throws IOException {
        return Application.connect(client.namespace(), LOOPBACK, SOCKS);
    }

    static void say(Socket socket, String hex) throws IOException {
        socket.getOutputStream().write(HexFormat.of().parseHex(hex));
    }

    static String hear(Socket socket, int bytes) throws IOException {
        return HexFormat.of().formatHex(socket.getInputStream().readNBytes(bytes));
    }

    static String request(InetAddress address, int port) {
        byte[] ip = address.getAddress();
        return "050100"
                + (ip.length == 4 ? "01" : "04")
                + HexFormat.of().formatHex(ip)
                + HexFormat.of().toHexDigits((short) port);
    }

    /// A socket that has been told that all is well.
    static Socket connected(InetAddress address, int port) throws IOException {
        Socket socket = open();
        say(socket, "050100");
        assertThat(hear(socket, 2)).isEqualTo("0500");
        say(socket, request(address, port));
        assertThat(hear(socket, 10)).isEqualTo("05000001000000000000");
        return socket;
    }

    static void answers() {
        assertThat(curl("--socks5", "http://" + VIP + ":80/")).isEqualTo("hello\n");
    }

    static byte[] bytes(String text) {
        return text.getBytes(US_ASCII);
    }
}
