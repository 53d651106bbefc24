package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What a daemon answers to somebody who knocks at 15008 himself, with a good certificate and
/// without one (docs/spec/dataplane.md 3.2, 13.4, 13.11, 13.12).
@Tag("netns")
@Timeout(120)
class DirectCallNetnsIT {
    private static final SpiffeId CLIENT =
            SpiffeId.parse("spiffe://cluster.local/ns/default/sa/client");
    private static final SpiffeId SERVER =
            SpiffeId.parse("spiffe://cluster.local/ns/default/sa/server");
    private static final String OK = "http status: 200 OK";
    private static final String BAD_REQUEST = "http status: 400 Bad Request";
    private static final String UNAUTHORIZED = "http status: 401 Unauthorized";
    private static final String UNAVAILABLE = "http status: 503 Service Unavailable";
    private static final String RECURSIVE = "attempted recursive call to ourselves";
    private static final String SERVICES =
            """
            services:
            - name: server
              namespace: default
              hostname: server.default.svc.cluster.local
              vips: ["/10.96.0.1"]
              ports: {80: 8080, 81: 0, 82: 0}
              endpoints:
                "Kubernetes//Pod/default/server:":
                  workloadUid: "Kubernetes//Pod/default/server"
                  port: {80: 8080, 81: 8080}
                  status: Healthy
            """;

    @TempDir static Path folder;

    private static MeshLab lab;
    private static HouseCa house;
    private static ServerSocketChannel echo;
    private static DaemonProcess daemon;
    private static Pod outsider;
    private static IssuedCertificate certificate;
    private static String server;

    @BeforeAll
    static void build() throws IOException {
        IssuingCa root = IssuingCa.root("O=cluster.local");
        lab = new MeshLab(folder, Redirection.iptables());
        outsider = lab.outsider();
        server = lab.server().ipv4().getHostAddress();
        house = new HouseCa(lab, root, "cluster.local", 15013);
        certificate = root.issue(CLIENT.toString());
        Files.writeString(folder.resolve("caller.pem"), IssuingCa.pem(certificate.leaf()));
        Files.writeString(folder.resolve("caller.key"), IssuingCa.pem(certificate.key()));
        echo = Application.serve(lab.server().namespace(), Conversations.ECHO, Application::echo);
        lab.mesh(SERVICES);
        daemon = lab.daemon(lab.server(), DaemonProcess.ours(), house.settings());
    }

    @AfterAll
    static void remove() throws IOException {
        echo.close();
        house.close();
        lab.close();
    }

    /// A policy of the test before may still be in force: the file is looked at twice a second.
    @BeforeEach
    void everybodyMay() {
        lab.mesh(SERVICES);
        MeshLab.eventually("everybody may", () -> answerTo(server + ":8080").equals(OK));
    }

    private static DirectCaller caller(InetAddress pod) throws Exception {
        return new DirectCaller(outsider.namespace(), pod, CLIENT, certificate, SERVER);
    }

    private static String answerTo(String authority) {
        try (DirectCaller caller = caller(lab.server().ipv4())) {
            return caller.connect(authority);
        } catch (Exception failed) {
            throw new AssertionError(authority, failed);
        }
    }

    private static void saysWhy(String text) {
        MeshLab.eventually("it says: " + text, () -> !daemon.lines(text).isEmpty());
    }

    @Test
    void row86_aMethodOtherThanConnectIsABadRequest() {
        String status =
                outsider.namespace()
                        .tryRun(
                                "curl",
                                "-sk",
                                "--http2",
                                "--max-time",
                                "30",
                                "--cert",
                                folder.resolve("caller.pem").toString(),
                                "--key",
                                folder.resolve("caller.key").toString(),
                                "-o",
                                "/dev/null",
                                "-w",
                                "%{http_version} %{http_code}",
                                "https://" + server + ":15008/")
                        .output();
        assertThat(status).contains("2 400");
        saysWhy("expected method CONNECT, got GET");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.3.3", "10.0.3.3:65536", "server.default.svc.cluster.local"})
    void row87_anAuthorityWithoutAPossiblePortIsABadRequest(String authority) {
        assertThat(answerTo(authority)).isEqualTo(BAD_REQUEST);
        saysWhy("no valid authority pseudo header: " + authority);
    }

    @Test
    void row88_anUnknownHostname() {
        assertThat(answerTo("nobody.default.svc.cluster.local:80")).isEqualTo(UNAVAILABLE);
        saysWhy("no service or workload for hostname: nobody.default.svc.cluster.local");
    }

    @ParameterizedTest
    @ValueSource(ints = {82, 83})
    void row89_aKnownHostnameWithAPortThatLeadsNowhere(int port) {
        String authority = "server.default.svc.cluster.local:" + port;
        assertThat(answerTo(authority)).isEqualTo(UNAVAILABLE);
        saysWhy("requested service " + authority + " found, but cannot resolve port");
    }

    @ParameterizedTest
    @ValueSource(ints = {15001, 15006, 15008})
    void row90_aPortOfOurOwn(int port) {
        int before = daemon.lines(RECURSIVE).size();
        assertThat(answerTo(server + ":" + port)).isEqualTo(UNAVAILABLE);
        MeshLab.eventually("one more line", () -> daemon.lines(RECURSIVE).size() > before);
    }

    @Test
    void row161_aPolicyForSomebodyElse() {
        lab.mesh(
                SERVICES
                        + MeshLab.policy(
                                "only-others",
                                "Allow",
                                "[[[{principals: [!Exact cluster.local/ns/default/sa/other]}]]]"));
        MeshLab.eventually("refused", () -> answerTo(server + ":8080").equals(UNAUTHORIZED));
        saysWhy(
                "connection closed due to policy rejection: allow policies exist, but none"
                        + " allowed");
    }

    @Test
    void row162_anAuthorityThatIsSomebodyElse() {
        String client = lab.client().ipv4().getHostAddress();
        assertThat(answerTo(client + ":8080")).isEqualTo(BAD_REQUEST);
        saysWhy("ip mismatch: " + server + " != " + client);
    }

    @Test
    void row163_aHostnameWithANumericTargetPort() {
        assertThat(answerTo("server.default.svc.cluster.local:80")).isEqualTo(OK);
    }

    @Test
    void row164_aHostnameWithANamedTargetPortThatTheEndpointMaps() {
        assertThat(answerTo("server.default.svc.cluster.local:81")).isEqualTo(OK);
    }

    @Test
    void oneTunnelCarriesGoodAndBadRequestsAlike() throws Exception {
        try (DirectCaller caller = caller(lab.server().ipv6())) {
            String ours = "[" + lab.server().ipv6().getHostAddress() + "]:8080";
            assertThat(caller.connect(ours)).isEqualTo(OK);
            assertThat(caller.connect(server + ":8080")).isEqualTo(BAD_REQUEST);
            assertThat(caller.connect("nobody.example:80")).isEqualTo(UNAVAILABLE);
            assertThat(caller.connect(ours)).isEqualTo(OK);
        }
    }

    /// Silence is known to be closed after the deadline; half a record must not be a way around it.
    @Test
    void halfATlsRecordIsClosedAtTheDeadlineAndDisturbsNobody() throws Exception {
        byte[] half = {22, 3, 1, 1, 0, 1, 0, 0, (byte) 252, 3, 3};
        try (Socket slow = Application.connect(outsider.namespace(), lab.server().ipv4(), 15008)) {
            slow.getOutputStream().write(half);
            assertThat(answerTo(server + ":8080")).isEqualTo(OK);
            // An alert may come first.
            slow.getInputStream().readAllBytes();
        }
        saysWhy("tls handshake error");
    }

    @Test
    void row172_anOutsiderReachesNoneOfTheTrafficPorts() throws Exception {
        for (int port : List.of(15001, 15006, 15008, 15080)) {
            assertThat(dropped(outsider.namespace(), lab.server().ipv4(), port)).isTrue();
        }
    }

    @Test
    void row169_thePodItselfReachesNoneOfTheTrafficPortsByItsOwnAddress() throws Exception {
        for (int port : List.of(15001, 15006, 15008)) {
            assertThat(dropped(lab.server().namespace(), lab.server().ipv4(), port)).isTrue();
        }
    }

    @Test
    void row170_norByLoopback() throws Exception {
        for (int port : List.of(15001, 15006, 15008)) {
            assertThat(dropped(lab.server().namespace(), InetAddress.ofLiteral("127.0.0.1"), port))
                    .isTrue();
        }
    }

    /// Connects, says what the specification says, and gets no usable answer: at most an alert.
    private static boolean dropped(Namespace from, InetAddress to, int port) throws IOException {
        try (Socket socket = Application.connect(from, to, port)) {
            socket.getOutputStream()
                    .write("hello world\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            byte[] answer = socket.getInputStream().readAllBytes();
            return answer.length == 0 || answer[0] == 21;
        } catch (java.net.SocketTimeoutException open) {
            return false;
        } catch (java.net.SocketException reset) {
            return !(reset instanceof java.net.ConnectException);
        }
    }
}
