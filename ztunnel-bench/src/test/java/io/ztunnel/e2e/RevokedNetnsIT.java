package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.testkit.CrlRequest;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.Socket;

/// Revocation lists that come into force while daemons talk: what stands is cut with the reason
/// named, what is new is refused (docs/spec/identity-and-tls.md 6, docs/spec/dataplane.md 13).
@Tag("netns")
@Timeout(240)
class RevokedNetnsIT extends EchoMesh {
    private static final String REJECTIONS = "istio_crl_policy_rejections_total";
    private static final String REVOKED = "connection closed: peer certificate revoked by CRL";

    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private CrlFile lists;

    @BeforeEach
    void makeLists() {
        lists = new CrlFile(folder.resolve("ca-crl.pem"));
    }

    @Test
    void E82_E84_E92_row173_175_180_theServerEnforces() throws Exception {
        try (HouseCa house = new HouseCa(lab, root, "cluster.local", 15013)) {
            DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), house.settings());
            DaemonProcess server =
                    lab.daemon(
                            lab.server(), DaemonProcess.ours(), lists.enforcedBy(house.settings()));
            MeshLab.eventually(
                    "the missing file is told of", () -> !server.lines("not found").isEmpty());
            try (Socket standing = talk.open()) {
                Conversations.roundTrip(standing, "before");
                lists.write(CrlRequest.of(IssuingCa.root("O=stranger")).pem());
                MeshLab.eventually(
                        "it is in force", () -> !server.lines("is in force: 1 lists").isEmpty());
                Conversations.roundTrip(standing, "unrelated");

                lists.write(CrlRequest.of(root).revoke(CrlFile.serial(client)).pem());
                MeshLab.eventually("it is cut", () -> CrlFile.isCut(standing));
            }
            MeshLab.eventually(
                    "it is counted",
                    () -> server.metric(REJECTIONS, "reporter=\"destination\"") == 1);
            assertThat(server.lines("connection complete").toString()).contains(REVOKED);
            assertThat(server.lines("tunnel closed: peer certificate revoked").getFirst())
                    .contains(CrlFile.serial(client).toString(16));
            assertThat(
                            server.metric(
                                    "istio_tcp_connections_failed_total",
                                    "response_flags=\"CERT_REVOKED\""))
                    .isEqualTo(1);

            talk.isRefused();
            MeshLab.eventually(
                    "the next is counted, too",
                    () -> server.metric(REJECTIONS, "reporter=\"destination\"") >= 2);
            MeshLab.eventually(
                    "and said",
                    () ->
                            !server.lines("tls handshake error: peer certificate revoked by CRL")
                                    .isEmpty());

            lists.write("");
            MeshLab.eventually("it is served again", talk::answers);
        }
    }

    @Test
    void E83_E85_row174_176_theClientEnforces() throws Exception {
        try (HouseCa house = new HouseCa(lab, root, "cluster.local", 15013)) {
            DaemonProcess client =
                    lab.daemon(
                            lab.client(), DaemonProcess.ours(), lists.enforcedBy(house.settings()));
            DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), house.settings());
            try (Socket standing = talk.open()) {
                Conversations.roundTrip(standing, "before");
                lists.write(CrlRequest.of(root).revoke(CrlFile.serial(server)).pem());
                MeshLab.eventually("it is cut", () -> CrlFile.isCut(standing));
            }
            MeshLab.eventually(
                    "it is counted", () -> client.metric(REJECTIONS, "reporter=\"source\"") == 1);
            assertThat(client.lines("connection complete").toString()).contains(REVOKED);
            assertThat(
                            client.metric(
                                    "istio_tcp_connections_failed_total",
                                    "response_flags=\"CERT_REVOKED\""))
                    .isEqualTo(1);

            talk.isRefused();
            MeshLab.eventually(
                    "the next is counted, too",
                    () -> client.metric(REJECTIONS, "reporter=\"source\"") >= 2);
            lists.write("");
            MeshLab.eventually("it is served again", talk::answers);
        }
    }

    /// Two clusters with an intermediate of one name each, under one root that revokes one of them.
    @Test
    void E86_E87_row177_oneOfTwoIntermediatesOfOneNameIsRevoked() throws Exception {
        IssuingCa revoked = root.intermediate("CN=cluster CA");
        IssuingCa kept = root.intermediate("CN=cluster CA");
        lab.neighbour();
        lab.mesh("");
        try (HouseCa bad = new HouseCa(lab, revoked, "cluster.local", 15013);
                HouseCa good = new HouseCa(lab, kept, "cluster.local", 15014)) {
            DaemonProcess client =
                    lab.daemon(
                            lab.client(), DaemonProcess.ours(), lists.enforcedBy(bad.settings()));
            DaemonProcess server =
                    lab.daemon(
                            lab.server(), DaemonProcess.ours(), lists.enforcedBy(good.settings()));
            try (Socket falling = talk.open()) {
                Conversations.roundTrip(falling, "before");
                lists.write(CrlRequest.of(root).revoke(revoked.certificate()).pem());
                MeshLab.eventually("it is cut", () -> CrlFile.isCut(falling));
            }
            talk.isRefused();
            MeshLab.eventually(
                    "it is counted",
                    () -> server.metric(REJECTIONS, "reporter=\"destination\"") >= 2);
            // The client has the same list, and its own certificate falls with the intermediate.
            MeshLab.eventually(
                    "the alarm", () -> !client.lines("our own certificate of").isEmpty());
            assertThat(client.get("http://127.0.0.1:15020/metrics"))
                    .contains("ztunnel_crl_own_certificates_revoked 1\n");
            assertThat(server.get("http://127.0.0.1:15020/metrics"))
                    .contains("ztunnel_crl_own_certificates_revoked 0\n");
        }
    }

    @Test
    void aBadFileIsSaidOnceAndTheLastGoodOneStays() throws Exception {
        try (HouseCa house = new HouseCa(lab, root, "cluster.local", 15013)) {
            lists.write(CrlRequest.of(root).pem());
            DaemonProcess server =
                    lab.daemon(
                            lab.server(), DaemonProcess.ours(), lists.enforcedBy(house.settings()));
            lab.daemon(lab.client(), DaemonProcess.ours(), house.settings());
            talk.roundTrip();
            lists.write(CrlRequest.of(root).pem() + "-----BEGIN X509 CRL-----\n");
            MeshLab.eventually(
                    "it is counted",
                    () ->
                            server.get("http://127.0.0.1:15020/metrics")
                                    .contains("ztunnel_crl_load_failures_total 1\n"));
            assertThat(server.lines("PEM block has no end"))
                    .singleElement()
                    .asString()
                    .contains("ca-crl.pem", "1 lists stay in force");
            assertThat(server.get("http://127.0.0.1:15020/metrics"))
                    .contains("ztunnel_crl_lists 1\n");
            talk.roundTrip();
        }
    }

    @Test
    void tunnelsAreCountedByHowTheyAreProtected() throws Exception {
        DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), "RUST_LOG=debug");
        DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), "RUST_LOG=debug");
        talk.roundTrip();
        String how = "version=\"TLSv1.3\",suite=\"TLS_AES_128_GCM_SHA256\",group=\"X25519\"";
        MeshLab.eventually(
                "both count",
                () ->
                        client.metric("ztunnel_tunnels_secured_total", how) == 1
                                && server.metric("ztunnel_tunnels_secured_total", how) == 1);
        MeshLab.eventually("it is said", () -> !client.lines("tunnel secured").isEmpty());
        assertThat(client.lines("tunnel secured").getFirst())
                .contains("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519");
    }
}
