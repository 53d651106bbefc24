package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Ours at one end and somebody else's ztunnel at the other, when they disagree, when one of them
/// dies, and when there is much to do. What goes well is in `PeerInteropNetnsIT` of
/// [io.ztunnel.node], which says also how the other one is named and what stands in for it.
@Tag("peer")
@Timeout(240)
class PeerTroubleNetnsIT extends EchoMesh {
    private static final String VARIABLE = "ZTUNNEL_PEER_COMMAND";
    private static final String COMPLETE = "connection complete";

    @Override
    Redirection redirection() {
        return Redirection.iptables();
    }

    @BeforeAll
    static void needsPeer() {
        Assumptions.assumeTrue(
                System.getenv(VARIABLE) != null,
                VARIABLE + " is not set: recorded frames are replayed instead");
    }

    private static List<String> command(String who) {
        return who.equals("ours")
                ? DaemonProcess.ours()
                : List.of(System.getenv(VARIABLE).split(" ", -1));
    }

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void manyAndLargeConnections(String clientIs, String serverIs) throws Exception {
        lab.daemon(lab.client(), command(clientIs));
        lab.daemon(lab.server(), command(serverIs));

        for (int size : new int[] {1 << 20, 8 << 20}) {
            talk.everyByteComesBackAfterHalfClose(size);
        }
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                Socket socket = talk.open();
                open.add(socket);
                Conversations.roundTrip(socket, "connection number " + i);
            }
            // Each tunnel takes a hundred; every worker has tunnels of its own.
            assertThat(tunnels()).isBetween(1L, 10L);
        } finally {
            MeshLab.closeAll(open);
        }
        for (int i = 0; i < 1000; i++) {
            talk.roundTrip();
        }
        assertThat(tunnels()).isBetween(1L, 10L);
    }

    private long tunnels() {
        return lab.client()
                .namespace()
                .run("ss", "-Htn", "state", "established", "dport = :15008")
                .lines()
                .filter(line -> !line.isBlank())
                .count();
    }

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void aPolicyThatDeniesResetsTheClientAndBothSayWhy(String clientIs, String serverIs)
            throws Exception {
        lab.mesh(
                MeshLab.policy(
                        "only-others",
                        "Allow",
                        "[[[{principals: [!Exact cluster.local/ns/default/sa/other]}]]]"));
        DaemonProcess client = lab.daemon(lab.client(), command(clientIs));
        DaemonProcess server = lab.daemon(lab.server(), command(serverIs));

        Resets.isReset(talk);
        says(client, "http status: 401 Unauthorized");
        says(
                server,
                "connection closed due to policy rejection: allow policies exist, but none"
                        + " allowed");
    }

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void aServerThatIsSomebodyElseIsNotSpokenTo(String clientIs, String serverIs) throws Exception {
        Path believed = folder.resolve("believed.yaml");
        Files.writeString(
                believed,
                Files.readString(folder.resolve("mesh.yaml"))
                        .replace("serviceAccount: server", "serviceAccount: other"));
        DaemonProcess client =
                lab.daemon(lab.client(), command(clientIs), "LOCAL_XDS_PATH=" + believed);
        DaemonProcess server = lab.daemon(lab.server(), command(serverIs));

        Resets.isReset(talk);
        says(client, "identity verification error: peer did not present the expected SAN");
        assertThat(client.lines(COMPLETE).getFirst())
                .contains("io error: ", "spiffe://cluster.local/ns/default/sa/other");
        says(server, "tls handshake error");
        assertThat(server.lines(COMPLETE)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void row165_aClientOfAnotherTrustDomainIsReset(String clientIs, String serverIs)
            throws Exception {
        IssuingCa root = IssuingCa.root("O=cluster.local");
        try (HouseCa good = new HouseCa(lab, root, "cluster.local", 15013);
                HouseCa foreign = new HouseCa(lab, root, "other.example", 15014)) {
            lab.trustDomain(lab.client(), "other.example");
            lab.mesh("");
            lab.daemon(lab.client(), command(clientIs), foreign.settings());
            DaemonProcess server = lab.daemon(lab.server(), command(serverIs), good.settings());

            Resets.isReset(talk);
            // Ours says it in a sentence, the reference in the form of its debugger.
            says(server, "tls handshake error");
            assertThat(server.lines("tls handshake error").getFirst())
                    .contains("cluster.local", "other.example")
                    .containsAnyOf("expected trustdomain", "SanTrustDomainError");
            assertThat(server.lines(COMPLETE)).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void aServerThatIsKilledIsMissedAndFoundAgain(String clientIs, String serverIs)
            throws Exception {
        lab.daemon(lab.client(), command(clientIs));
        DaemonProcess server = lab.daemon(lab.server(), command(serverIs));
        try (Socket standing = talk.open()) {
            Conversations.roundTrip(standing, "before");
            server.process().destroyForcibly().waitFor();
            assertThatThrownBy(() -> Conversations.roundTrip(standing, "after"))
                    .isInstanceOfAny(IOException.class, AssertionError.class);
        }
        talk.isRefused();
        lab.daemon(lab.server(), command(serverIs));
        MeshLab.eventually("it is served again", talk::answers);
        talk.everyByteComesBackAfterHalfClose(1 << 20);
    }

    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void bothInsistOnPostQuantumKeys(String clientIs, String serverIs) throws Exception {
        String insist = "COMPLIANCE_POLICY=pqc";
        IssuingCa root = IssuingCa.root("O=cluster.local");
        try (HouseCa house = new HouseCa(lab, root, "cluster.local", 15013)) {
            String[] settings = {house.settings()[0], house.settings()[1], insist};
            DaemonProcess client = lab.starting(lab.client(), command(clientIs), settings);
            DaemonProcess server = lab.starting(lab.server(), command(serverIs), settings);
            MeshLab.eventually("both ready", () -> client.isReady() && server.isReady());
            talk.roundTrip();
            talk.everyByteComesBackAfterHalfClose(1 << 20);

            if (clientIs.equals("ours")) {
                // Whoever does not insist offers the usual curves only, and that is not enough.
                client.process().destroyForcibly().waitFor();
                lab.daemon(lab.client(), command(clientIs), house.settings());
                Resets.isReset(talk);
                says(server, "tls handshake error");
            }
        }
    }

    /// Rows 173 to 176 with another ztunnel at one end: the server enforces.
    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void aRevokedClientIsCutAndThenRefused(String clientIs, String serverIs) throws Exception {
        IssuingCa root = IssuingCa.root("O=cluster.local");
        CrlFile lists = new CrlFile(folder.resolve("ca-crl.pem"));
        lists.write("");
        try (HouseCa house = new HouseCa(lab, root, "cluster.local", 15013)) {
            DaemonProcess client = lab.daemon(lab.client(), command(clientIs), house.settings());
            DaemonProcess server =
                    lab.daemon(lab.server(), command(serverIs), lists.enforcedBy(house.settings()));
            try (Socket standing = talk.open()) {
                Conversations.roundTrip(standing, "before");
                lists.write(CrlRequest.of(root).revoke(CrlFile.serial(client)).pem());
                MeshLab.eventually("it is cut", () -> CrlFile.isCut(standing));
            }
            MeshLab.eventually("counted", () -> rejections(server, "destination") > 0);
            says(server, "connection closed: peer certificate revoked by CRL");
            talk.isRefused();
            MeshLab.eventually("counted again", () -> rejections(server, "destination") > 1);

            lists.write("");
            MeshLab.eventually("it is served again", talk::answers);
        }
    }

    /// The same, where the client enforces.
    @ParameterizedTest
    @CsvSource({"ours, peer", "peer, ours"})
    void aRevokedServerIsLeftAndThenNotSpokenTo(String clientIs, String serverIs) throws Exception {
        IssuingCa root = IssuingCa.root("O=cluster.local");
        CrlFile lists = new CrlFile(folder.resolve("ca-crl.pem"));
        lists.write("");
        try (HouseCa house = new HouseCa(lab, root, "cluster.local", 15013)) {
            DaemonProcess client =
                    lab.daemon(lab.client(), command(clientIs), lists.enforcedBy(house.settings()));
            DaemonProcess server = lab.daemon(lab.server(), command(serverIs), house.settings());
            try (Socket standing = talk.open()) {
                Conversations.roundTrip(standing, "before");
                lists.write(CrlRequest.of(root).revoke(CrlFile.serial(server)).pem());
                MeshLab.eventually("it is cut", () -> CrlFile.isCut(standing));
            }
            MeshLab.eventually("counted", () -> rejections(client, "source") > 0);
            says(client, "connection closed: peer certificate revoked by CRL");
            talk.isRefused();
            MeshLab.eventually("counted again", () -> rejections(client, "source") > 1);

            lists.write("");
            MeshLab.eventually("it is served again", talk::answers);
        }
    }

    private static long rejections(DaemonProcess daemon, String reporter) {
        return daemon.metric("istio_crl_policy_rejections_total", "reporter=\"" + reporter + "\"");
    }

    private static void says(DaemonProcess daemon, String text) {
        try {
            MeshLab.eventually("it says: " + text, () -> !daemon.lines(text).isEmpty());
        } catch (AssertionError silent) {
            throw new AssertionError("it says otherwise:\n" + daemon.tail(), silent);
        }
    }
}
