package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.ztunnel.ca.testkit.CaFault;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Connections of pods whose certificate does not come, or is not theirs
/// (docs/spec/identity-and-tls.md 2.6, 5.5, docs/spec/dataplane.md 2.7).
@Tag("netns")
@Timeout(180)
class IdentityNetnsIT extends EchoMesh {
    private static final String COMPLETE = "connection complete";

    private final IssuingCa root = IssuingCa.root("O=cluster.local");

    @Test
    void anAuthorityThatRefusesThenGoesAwayThenServes() throws Exception {
        try (HouseCa good = new HouseCa(lab, root, "cluster.local", 15013);
                HouseCa moody = new HouseCa(lab, root, "cluster.local", 15014)) {
            moody.ca().refuse(Status.PERMISSION_DENIED.withDescription("not today"));
            DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), good.settings());
            DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), moody.settings());

            talk.isRefused();
            MeshLab.eventually(
                    "the reason", () -> !client.lines("identity error: signing gRPC").isEmpty());
            assertThat(client.lines(COMPLETE).getFirst())
                    .contains("identity error: signing gRPC error", "not today");
            MeshLab.eventually(
                    "the flag",
                    () ->
                            client.metric(
                                            "istio_tcp_connections_failed_total",
                                            "response_flags=\"IDENTITY_ERROR\"")
                                    > 0);
            assertThat(server.lines(COMPLETE)).isEmpty();

            moody.goAway();
            talk.isRefused();

            moody.ca().refuse(null);
            moody.comeBack();
            MeshLab.eventually("it recovers by itself", talk::answers);
        }
    }

    @Test
    void anAuthorityThatIsSilentThenServes() throws Exception {
        try (HouseCa good = new HouseCa(lab, root, "cluster.local", 15013);
                HouseCa silent = new HouseCa(lab, root, "cluster.local", 15014)) {
            silent.ca().fault(CaFault.SILENT);
            lab.daemon(lab.server(), DaemonProcess.ours(), good.settings());
            DaemonProcess client =
                    lab.daemon(lab.client(), DaemonProcess.ours(), silent.settings());

            // Held, not refused, until the call to the authority has taken too long.
            talk.isRefused();
            MeshLab.eventually("the reason", () -> !client.lines("identity error: ").isEmpty());

            silent.ca().fault(CaFault.NONE);
            MeshLab.eventually("it recovers by itself", talk::answers);
        }
    }

    @Test
    void aServerWithoutACertificateDropsTheSocketBeforeAnyByteOfTls() throws Exception {
        try (HouseCa good = new HouseCa(lab, root, "cluster.local", 15013);
                HouseCa moody = new HouseCa(lab, root, "cluster.local", 15014)) {
            moody.ca().refuse(Status.PERMISSION_DENIED.withDescription("not today"));
            DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), moody.settings());
            DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), good.settings());

            talk.isRefused();
            MeshLab.eventually("the reason", () -> !server.lines("signing error: ").isEmpty());
            MeshLab.eventually("the client's", () -> !client.lines("io error: ").isEmpty());

            moody.ca().refuse(null);
            MeshLab.eventually("it recovers by itself", talk::answers);
        }
    }

    @Test
    void aServerThatIsSomebodyElseIsNotSpokenTo() throws Exception {
        try (HouseCa good = new HouseCa(lab, root, "cluster.local", 15013);
                HouseCa mistaken = new HouseCa(lab, root, "cluster.local", 15014)) {
            mistaken.ca().fault(CaFault.WRONG_IDENTITY);
            DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours(), good.settings());
            DaemonProcess server =
                    lab.daemon(lab.server(), DaemonProcess.ours(), mistaken.settings());

            talk.isRefused();
            MeshLab.eventually("the reason", () -> !client.lines(COMPLETE).isEmpty());
            assertThat(client.lines(COMPLETE).getFirst())
                    .contains(
                            "io error: identity verification error: peer did not present the"
                                + " expected SAN (spiffe://cluster.local/ns/default/sa/server)");
            assertThat(server.lines(COMPLETE)).isEmpty();
        }
    }

    @Test
    void row165_aClientOfAnotherTrustDomainIsReset() throws Exception {
        try (HouseCa good = new HouseCa(lab, root, "cluster.local", 15013);
                HouseCa foreign = new HouseCa(lab, root, "other.example", 15014)) {
            lab.trustDomain(lab.client(), "other.example");
            lab.mesh("");
            DaemonProcess server = lab.daemon(lab.server(), DaemonProcess.ours(), good.settings());
            lab.daemon(lab.client(), DaemonProcess.ours(), foreign.settings());

            Resets.isReset(talk);
            MeshLab.eventually(
                    "the reason",
                    () ->
                            !server.lines(
                                            "peer did not present the expected trustdomain"
                                                + " (cluster.local), got"
                                                + " spiffe://other.example/ns/default/sa/client")
                                    .isEmpty());
        }
    }
}
