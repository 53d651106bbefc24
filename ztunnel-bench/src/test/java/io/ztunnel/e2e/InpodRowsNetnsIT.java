package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.node.NodeDaemon;
import io.ztunnel.node.NodeLab;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Rows of docs/spec/dataplane.md 13 about policies, names, certificates and revocation, and the
/// tests of docs/spec/inpod-and-deployment.md 4.4 that go with them: in in-pod mode, where one
/// daemon holds the certificates of several pods.
@Tag("netns")
@Timeout(180)
class InpodRowsNetnsIT {
    private static final SpiffeId SERVER =
            SpiffeId.parse("spiffe://cluster.local/ns/default/sa/server");
    private static final SpiffeId CALLER =
            SpiffeId.parse("spiffe://cluster.local/ns/default/sa/caller");
    private static final String OK = "http status: 200 OK";
    private static final String REJECTIONS = "istio_crl_policy_rejections_total";
    private static final String SERVICES =
            """
            services:
            - name: server
              namespace: default
              hostname: server.default.svc.cluster.local
              vips: ["/10.96.0.1"]
              ports: {80: 8080, 81: 0}
              endpoints:
                "Kubernetes//Pod/default/server:":
                  workloadUid: "Kubernetes//Pod/default/server"
                  port: {80: 8080, 81: 8080}
                  status: Healthy
            - name: itself
              namespace: default
              hostname: itself.default.svc.cluster.local
              vips: ["/10.96.0.2", "/fd00:96::2"]
              ports: {80: 8082}
              endpoints:
                "Kubernetes//Pod/default/client:":
                  workloadUid: "Kubernetes//Pod/default/client"
                  port: {80: 8082}
                  status: Healthy
            """;

    @TempDir Path folder;

    private NodeLab lab;
    private NodeDaemon near;
    private NodeDaemon far;
    private Pod client;
    private Pod server;
    private Pod outsider;
    private Conversations talk;
    private CrlFile lists;
    private final List<AutoCloseable> applications = new ArrayList<>();

    @BeforeEach
    void build() throws IOException {
        lab = new NodeLab(folder, Redirection.nft());
        near = lab.node("node-1");
        far = lab.node("node-2");
        client = lab.captured(near, "client");
        server = lab.captured(far, "server");
        outsider = lab.plain(near, "outsider");
        talk = new Conversations(client.namespace(), server.ipv4());
        lists = new CrlFile(folder.resolve("ca-crl.pem"));
        lab.mesh(SERVICES);
        applications.add(
                Application.serve(server.namespace(), Conversations.ECHO, Application::echo));
    }

    @AfterEach
    void remove() throws Exception {
        MeshLab.closeAll(applications);
        lab.close();
    }

    private void start() throws IOException {
        near.start(client);
        far.start(server);
    }

    private String answerTo(String authority) throws Exception {
        IssuedCertificate certificate = lab.root().issue(CALLER.toString());
        try (DirectCaller caller =
                new DirectCaller(
                        outsider.namespace(), server.ipv4(), CALLER, certificate, SERVER)) {
            return caller.connect(authority);
        }
    }

    private String address(Pod pod) {
        return pod.ipv4().getHostAddress() + ":" + Conversations.ECHO;
    }

    private boolean answers() {
        return Conversations.opens(client, server);
    }

    private static void saysWhy(NodeDaemon node, String text) {
        MeshLab.eventually("it says: " + text, () -> !node.daemon().lines(text).isEmpty());
    }

    @Test
    void row161_test_policy() throws Exception {
        start();
        assertThat(answerTo(address(server))).isEqualTo(OK);
        lab.mesh(
                SERVICES
                        + MeshLab.policy(
                                "only-waypoint",
                                "Allow",
                                "[[[{principals: [!Exact"
                                        + " cluster.local/ns/default/sa/waypoint]}]]]"));
        MeshLab.eventually("in force", () -> !answers());
        assertThat(answerTo(address(server))).isEqualTo("http status: 401 Unauthorized");
        saysWhy(
                far,
                "connection closed due to policy rejection: allow policies exist, but none"
                        + " allowed");
    }

    @Test
    void row162_hbone_ip_mismatch() throws Exception {
        start();
        assertThat(answerTo(address(client))).isEqualTo("http status: 400 Bad Request");
        saysWhy(
                far,
                "ip mismatch: "
                        + server.ipv4().getHostAddress()
                        + " != "
                        + client.ipv4().getHostAddress());
    }

    @Test
    void row163_test_svc_hostname_port() throws Exception {
        start();
        assertThat(answerTo("server.default.svc.cluster.local:80")).isEqualTo(OK);
    }

    @Test
    void row164_test_svc_hostname_named_port() throws Exception {
        start();
        assertThat(answerTo("server.default.svc.cluster.local:81")).isEqualTo(OK);
    }

    @Test
    void row165_trust_domain_mismatch_rejected() throws Exception {
        lab.describe(
                "client",
                """
                - uid: Kubernetes//Pod/default/client
                  name: client
                  namespace: default
                  serviceAccount: client
                  trustDomain: clusterset.local
                  node: node-1
                  workloadIps: ["%s"]
                  protocol: HBONE
                  services: {}
                """
                        .formatted(client.ipv4().getHostAddress()));
        lab.mesh(SERVICES);
        start();
        assertThatThrownBy(
                        () -> {
                            try (Socket socket = talk.open()) {
                                socket.getOutputStream().write("hello".getBytes(US_ASCII));
                                if (socket.getInputStream().read() < 0) {
                                    throw new AssertionError("an end, not a reset");
                                }
                            }
                        })
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("reset");
        assertThat(near.dump()).contains("spiffe://clusterset.local/ns/default/sa/client");
        saysWhy(far, "tls handshake error");
    }

    private static BigInteger serial(DaemonProcess daemon, String account) {
        String dump = daemon.get("http://127.0.0.1:15000/config_dump");
        int identity = dump.indexOf("\"spiffe://cluster.local/ns/default/sa/" + account + "\"");
        int chain = dump.lastIndexOf("\"certChain\"", identity);
        Matcher found =
                Pattern.compile("\"serialNumber\":\\s*\"(\\d+)\"")
                        .matcher(dump.substring(Math.max(chain, 0), Math.max(identity, 0)));
        assertThat(found.find()).as("certificate of %s", account).isTrue();
        return new BigInteger(found.group(1));
    }

    private void revoke(BigInteger serial) throws IOException {
        lists.write(CrlRequest.of(lab.root()).revoke(serial).pem());
    }

    @Test
    void row173_row175_crl_inbound_rejects_revoked_cert_andTerminatesExistingConnection()
            throws Exception {
        lists.write("");
        near.start(client);
        far.start(lists.enforcedBy(), server);
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            revoke(serial(near.daemon(), "client"));
            MeshLab.eventually("it is cut", () -> CrlFile.isCut(standing));
        }
        MeshLab.eventually(
                "it is counted",
                () -> far.daemon().metric(REJECTIONS, "reporter=\"destination\"") == 1);
        talk.isRefused();
        MeshLab.eventually(
                "so is the next",
                () -> far.daemon().metric(REJECTIONS, "reporter=\"destination\"") >= 2);
        lists.write("");
        MeshLab.eventually("served again", this::answers);
    }

    @Test
    void row174_row176_crl_outbound_rejects_revoked_cert_andTerminatesExistingConnection()
            throws Exception {
        lists.write("");
        near.start(lists.enforcedBy(), client);
        far.start(server);
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            revoke(serial(far.daemon(), "server"));
            MeshLab.eventually("it is cut", () -> CrlFile.isCut(standing));
        }
        MeshLab.eventually(
                "it is counted",
                () -> near.daemon().metric(REJECTIONS, "reporter=\"source\"") == 1);
        talk.isRefused();
        MeshLab.eventually(
                "so is the next",
                () -> near.daemon().metric(REJECTIONS, "reporter=\"source\"") >= 2);
        lists.write("");
        MeshLab.eventually("served again", this::answers);
    }

    /// The others of the node have certificates of their own.
    @Test
    void aRevokedCertificateOfOnePodIsNoneOfItsNeighboursBusiness() throws Exception {
        Pod neighbour = lab.captured(near, "neighbour");
        lab.mesh(SERVICES);
        lists.write("");
        near.start(client, neighbour);
        far.start(lists.enforcedBy(), server);
        Conversations other = new Conversations(neighbour.namespace(), server.ipv4());
        talk.roundTrip();
        try (Socket standing = other.open()) {
            Conversations.roundTrip(standing, "before");
            revoke(serial(near.daemon(), "client"));
            MeshLab.eventually("one is refused", () -> !answers());
            Conversations.roundTrip(standing, "after");
        }
        other.roundTrip();
    }

    @Test
    void row193_aPodThatIsBalancedToItselfOverHboneIsSeenAsItself() throws Exception {
        start();
        applications.add(
                Application.serve(client.namespace(), Application.MIRROR, Application::mirror));
        for (String vip : List.of("10.96.0.2", "fd00:96::2")) {
            try (Socket socket =
                    Application.connect(client.namespace(), InetAddress.ofLiteral(vip), 80)) {
                assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
                        .as(vip)
                        .isIn(client.ipv4().getHostAddress(), client.ipv6().getHostAddress());
            }
        }
        MeshLab.eventually(
                "both ends of the tunnel are in the pod",
                () ->
                        near.daemon().lines("connection complete").stream()
                                .anyMatch(
                                        line ->
                                                line.contains("direction=\"inbound\"")
                                                        && line.contains(
                                                                "src.identity=\"spiffe://"
                                                                        + "cluster.local/ns/"
                                                                        + "default/sa/client\"")));
    }
}
