package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.node.Application;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.node.MeshText;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;

/// What a client's daemon does with waypoints and with gateways of other networks, which are other
/// programs in real life and an [HboneServer] here (docs/spec/dataplane.md 13.11).
@Tag("netns")
@Timeout(180)
class WaypointNetnsIT {
    private static final InetAddress VIP = InetAddress.ofLiteral("10.96.0.1");
    private static final String CLIENT = "spiffe://cluster.local/ns/default/sa/client";
    private static final String WAYPOINT = "spiffe://cluster.local/ns/default/sa/waypoint";
    private static final String SANS =
            "subjectAltNames: [\"spiffe://cluster.local/ns/default/sa/echo\"]";
    private static final String ECHO = "spiffe://cluster.local/ns/default/sa/echo";

    @TempDir static Path folder;

    private static MeshLab lab;
    private static HouseCa house;
    private static IssuingCa root;
    private static Pod far;
    private static DaemonProcess daemon;

    @BeforeAll
    static void build() throws IOException {
        root = IssuingCa.root("O=cluster.local");
        lab = new MeshLab(folder, Redirection.iptables());
        far = lab.outsider();
        house = new HouseCa(lab, root, "cluster.local", 15013);
        daemon = lab.daemon(lab.client(), DaemonProcess.ours(), house.settings());
    }

    @AfterAll
    static void remove() throws IOException {
        house.close();
        lab.close();
    }

    @Test
    void row150_aWaypointOfAWorkloadByAddress() throws Exception {
        lab.write(
                "workloads:\n"
                        + workload("client", lab.client(), "")
                        + workload("server", lab.server(), "waypoint: " + destination("", 15008))
                        + workload("waypoint", far, ""));
        String authority = lab.server().ipv4().getHostAddress() + ":8080";
        assertThat(reached(lab.server().ipv4(), 8080, WAYPOINT, null, authority))
                .contains(
                        "dst.workload=\"waypoint\"",
                        "dst.hbone_addr=" + authority,
                        "dst.addr=" + far.ipv4().getHostAddress() + ":15008",
                        "dst.identity=\"" + WAYPOINT + "\"");
    }

    @Test
    void row151_theGatewayOfAnotherNetworkByAddress() throws Exception {
        lab.write(
                "workloads:\n"
                        + workload("client", lab.client(), "")
                        + workload("waypoint", far, "network: remote")
                        + absent("networkGateway: " + destination("remote", 15008))
                        + "services:\n"
                        + service(
                                "remote",
                                "{8080: 8080}",
                                SANS,
                                MeshText.endpoints("{8080: 8080}", "absent")));
        assertThat(
                        reached(
                                VIP,
                                8080,
                                WAYPOINT,
                                ECHO,
                                "outer remote.default.svc.cluster.local:8080",
                                "remote.default.svc.cluster.local:8080"))
                .contains(
                        "dst.workload=\"echo\"",
                        "dst.hbone_addr=remote.default.svc.cluster.local:8080",
                        "dst.addr=" + far.ipv4().getHostAddress() + ":15008",
                        "dst.identity=\"" + ECHO + "\"");
    }

    @Test
    void row152_theGatewayOfAnotherNetworkByHostname() throws Exception {
        lab.write(
                "workloads:\n"
                        + workload("client", lab.client(), "")
                        + workload(
                                "waypoint",
                                far,
                                "network: remote\n"
                                        + "services: {default/gateway.default.svc.cluster.local:"
                                        + " {15009: 15008}}")
                        + absent(
                                "networkGateway: {destination:"
                                        + " default/gateway.default.svc.cluster.local,"
                                        + " hboneMtlsPort: 15009}")
                        + "services:\n"
                        + service(
                                        "gateway",
                                        "{15009: 15008}",
                                        MeshText.endpoints("{15009: 15008}", "waypoint"))
                                .replace(VIP.getHostAddress(), "10.96.0.3")
                        + service(
                                "remote",
                                "{8080: 8080}",
                                SANS,
                                MeshText.endpoints("{8080: 8080}", "absent")));
        assertThat(
                        reached(
                                VIP,
                                8080,
                                WAYPOINT,
                                ECHO,
                                "outer remote.default.svc.cluster.local:8080",
                                "remote.default.svc.cluster.local:8080"))
                .contains("dst.addr=" + far.ipv4().getHostAddress() + ":15008");
    }

    @Test
    void row153_aWaypointOfAServiceByAddress() throws Exception {
        lab.write(
                "workloads:\n"
                        + workload("client", lab.client(), "")
                        + workload("waypoint", far, "")
                        + "services:\n"
                        + service("server", "{80: 80}", "waypoint: " + destination("", 15008)));
        String authority = VIP.getHostAddress() + ":80";
        assertThat(reached(VIP, 80, WAYPOINT, null, authority))
                .contains(
                        "dst.hbone_addr=" + authority,
                        "dst.addr=" + far.ipv4().getHostAddress() + ":15008");
    }

    @Test
    void row154_aWaypointByTheHostnameOfItsService() throws Exception {
        lab.write(
                "workloads:\n"
                        + workload("client", lab.client(), "")
                        + workload(
                                "server",
                                lab.server(),
                                "waypoint: {destination:"
                                        + " default/waypoint.default.svc.cluster.local,"
                                        + " hboneMtlsPort: 15008}")
                        + workload("waypoint", far, "")
                        + "services:\n"
                        + service(
                                "waypoint",
                                "{15008: 15008}",
                                MeshText.endpoints("{15008: 15008}", "waypoint")));
        assertThat(
                        reached(
                                lab.server().ipv4(),
                                8080,
                                WAYPOINT,
                                null,
                                lab.server().ipv4().getHostAddress() + ":8080"))
                .contains("dst.addr=" + far.ipv4().getHostAddress() + ":15008");
    }

    @Test
    void row155_aWaypointByTheHostnameOfItsWorkload() throws Exception {
        lab.write(
                "workloads:\n"
                        + workload("client", lab.client(), "")
                        + workload(
                                "server",
                                lab.server(),
                                "waypoint: {destination: default/waypoint.example.com,"
                                        + " hboneMtlsPort: 15008}")
                        + workload("waypoint", far, "hostname: waypoint.example.com"));
        assertThat(
                        reached(
                                lab.server().ipv4(),
                                8080,
                                WAYPOINT,
                                null,
                                lab.server().ipv4().getHostAddress() + ":8080"))
                .contains("dst.addr=" + far.ipv4().getHostAddress() + ":15008");
    }

    /// Connects, once the daemon knows the newest mesh; the access line.
    private static String reached(
            InetAddress to, int port, String outer, String inner, String... authorities)
            throws IOException {
        try (HboneServer server =
                new HboneServer(
                        far,
                        root,
                        SpiffeId.parse(outer),
                        inner == null ? null : SpiffeId.parse(inner))) {
            MeshLab.eventually("greeted: " + to, () -> isGreeted(to, port));
            assertThat(server.authorities()).endsWith(authorities);
            MeshLab.eventually(
                    "its line", () -> !daemon.lines("bytes_sent=11 bytes_recv=20").isEmpty());
            String line = daemon.lines("bytes_sent=11 bytes_recv=20").getLast();
            assertThat(line).contains("src.identity=\"" + CLIENT + "\"", "connection complete");
            return line;
        }
    }

    private static boolean isGreeted(InetAddress to, int port) {
        int before = daemon.lines("bytes_sent=11 bytes_recv=20").size();
        try (Socket socket = Application.connect(lab.client().namespace(), to, port)) {
            socket.getOutputStream().write("hello world".getBytes(US_ASCII));
            byte[] answer = socket.getInputStream().readNBytes(20);
            if (!new String(answer, US_ASCII).equals("waypoint\nhello world")) {
                return false;
            }
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        } catch (IOException notYet) {
            return false;
        }
        MeshLab.eventually(
                "its line", () -> daemon.lines("bytes_sent=11 bytes_recv=20").size() > before);
        return true;
    }

    private static String workload(String name, Pod pod, String more) {
        return MeshText.workload(name, pod.ipv4().getHostAddress(), more);
    }

    /// Stands for what is behind the gateway, and has no address here.
    private static String absent(String gateway) {
        return MeshText.workload("absent", "", "network: remote", gateway);
    }

    private static String destination(String network, int port) {
        return "{destination: "
                + network
                + "/"
                + far.ipv4().getHostAddress()
                + ", hboneMtlsPort: "
                + port
                + "}";
    }

    private static String service(String name, String ports, String... more) {
        return MeshText.service(name, VIP.getHostAddress(), ports, more);
    }
}
