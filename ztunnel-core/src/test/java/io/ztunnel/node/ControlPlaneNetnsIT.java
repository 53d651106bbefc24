package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.Responses;
import io.ztunnel.xds.proto.discovery.Resource;
import io.ztunnel.xds.proto.security.Action;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.security.Scope;
import io.ztunnel.xds.proto.workload.Address;
import io.ztunnel.xds.proto.workload.TunnelProtocol;
import io.ztunnel.xds.proto.workload.Workload;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Whole daemons and a control plane that goes away, or says what cannot be taken
/// (docs/spec/control-plane.md 2.12, 2.13, 2.17).
@Tag("netns")
@Timeout(300)
class ControlPlaneNetnsIT {
    private static final int PORT = 15_010;

    @TempDir Path folder;

    private MeshLab lab;
    private ServerSocketChannel echo;
    private Process istiod;

    @BeforeEach
    void build() throws IOException {
        lab = new MeshLab(folder, Redirection.nft());
        lab.write("workloads: []\n");
        echo = Application.serve(lab.server().namespace(), Conversations.ECHO, Application::echo);
        answer(workload(lab.client()), workload(lab.server()));
        FakeIstiod.answer(folder, Responses.policies("p"));
        startIstiod();
    }

    /// Each start comes with a root of its own.
    private void startIstiod() throws IOException {
        Files.deleteIfExists(FakeIstiod.rootOf(folder));
        istiod =
                lab.fabric()
                        .start(
                                JavaProgram.of(
                                        FakeIstiod.class.getName(),
                                        MeshLab.CA.getHostAddress(),
                                        Integer.toString(PORT),
                                        folder.toString()),
                                Map.of(),
                                folder.resolve("istiod.log").toFile());
        MeshLab.eventually(
                "the control plane listens", () -> Files.exists(FakeIstiod.rootOf(folder)));
    }

    @AfterEach
    void remove() throws IOException {
        istiod.destroyForcibly();
        echo.close();
        lab.close();
    }

    private void answer(Resource... addresses) throws IOException {
        FakeIstiod.answer(folder, Responses.addresses("a", addresses));
    }

    private static Resource workload(Pod pod, String... policies) {
        String uid = "Kubernetes//Pod/default/" + pod.name();
        return Responses.resource(
                uid,
                "v1",
                Address.newBuilder()
                        .setWorkload(
                                Workload.newBuilder()
                                        .setUid(uid)
                                        .setName(pod.name())
                                        .setNamespace("default")
                                        .setServiceAccount(pod.name())
                                        .setTunnelProtocol(TunnelProtocol.HBONE)
                                        .addAddresses(ByteString.copyFrom(pod.ipv4().getAddress()))
                                        .addAllAuthorizationPolicies(List.of(policies)))
                        .build()
                        .toByteString());
    }

    private DaemonProcess starting(Pod pod, String... more) {
        List<String> settings =
                new ArrayList<>(
                        List.of(
                                "XDS_ADDRESS=https://" + MeshLab.CA.getHostAddress() + ":" + PORT,
                                "XDS_ROOT_CA=" + FakeIstiod.rootOf(folder)));
        settings.addAll(List.of(more));
        return lab.starting(pod, DaemonProcess.ours(), settings.toArray(String[]::new));
    }

    private DaemonProcess keeping(Pod pod, String... more) {
        List<String> settings = new ArrayList<>(List.of(more));
        settings.add("XDS_SNAPSHOT_DIRECTORY=" + kept(pod).getParent());
        return starting(pod, settings.toArray(String[]::new));
    }

    private Path kept(Pod pod) {
        return folder.resolve("kept-" + pod.name()).resolve("xds-snapshot");
    }

    private void roundTrip() throws IOException {
        new Conversations(lab.client().namespace(), lab.server().ipv4()).roundTrip();
    }

    private static void ready(DaemonProcess daemon) {
        MeshLab.eventually("ready", daemon::isReady);
    }

    private static void end(DaemonProcess daemon) throws InterruptedException {
        daemon.process().destroy();
        assertThat(daemon.process().waitFor(20, TimeUnit.SECONDS)).isTrue();
    }

    private static String metrics(DaemonProcess daemon) {
        return daemon.get("http://127.0.0.1:15020/metrics");
    }

    @Test
    void nodesServeOnWithoutTheControlPlaneAndStartAgainWithWhatTheyKept() throws Exception {
        DaemonProcess client = keeping(lab.client());
        DaemonProcess server = keeping(lab.server());
        ready(client);
        ready(server);
        roundTrip();
        MeshLab.eventually("both kept it", () -> Files.exists(kept(lab.client())));
        MeshLab.eventually("both kept it", () -> Files.exists(kept(lab.server())));

        istiod.destroyForcibly().waitFor();
        MeshLab.eventually(
                "the stream is down",
                () -> metrics(client).contains("ztunnel_java_xds_connected 0"));
        roundTrip();

        end(client);
        end(server);
        DaemonProcess again = keeping(lab.client());
        DaemonProcess serverAgain = keeping(lab.server());
        ready(again);
        ready(serverAgain);
        roundTrip();

        assertThat(again.lines("serves what was kept")).isNotEmpty();
        MeshLab.eventually("the access line", () -> !again.lines("connection complete").isEmpty());
        assertThat(again.lines("connection complete").getFirst())
                .contains("dst.identity=\"spiffe://cluster.local/ns/default/sa/server\"");
        assertThat(metrics(again))
                .contains("ztunnel_java_xds_snapshot_age_seconds ", "ztunnel_java_mesh_workloads 2")
                .contains("ztunnel_java_xds_connected 0");
        assertThat(again.get("http://127.0.0.1:15000/config_dump"))
                .contains("\"restored\": true", "\"connected\": false");
    }

    @Test
    void aControlPlaneThatComesBackWithAnotherRootIsFollowed() throws Exception {
        DaemonProcess client = starting(lab.client());
        DaemonProcess server = starting(lab.server());
        ready(client);
        ready(server);
        roundTrip();
        istiod.destroyForcibly().waitFor();
        roundTrip();

        FakeIstiod.answer(
                folder,
                Responses.policies(
                        "p2",
                        Responses.resource(
                                "default/nobody",
                                "",
                                Authorization.newBuilder()
                                        .setName("nobody")
                                        .setNamespace("default")
                                        .setScope(Scope.NAMESPACE)
                                        .setAction(Action.ALLOW)
                                        .build()
                                        .toByteString())));
        startIstiod();

        MeshLab.eventually("the policy acts", () -> !isServed());
        assertThat(client.isReady()).isTrue();
        MeshLab.eventually(
                "connected again", () -> metrics(server).contains("ztunnel_java_xds_connected 1"));
        assertThat(server.metric("istio_xds_connection_terminations_total", "")).isPositive();
    }

    private boolean isServed() {
        try {
            roundTrip();
            return true;
        } catch (IOException | AssertionError refused) {
            return false;
        }
    }

    @Test
    void aKeptStateThatCannotBeTrustedIsRefusedWithItsReason() throws Exception {
        DaemonProcess first = keeping(lab.client());
        ready(first);
        MeshLab.eventually("kept", () -> Files.exists(kept(lab.client())));
        end(first);
        istiod.destroyForcibly().waitFor();
        byte[] whole = Files.readAllBytes(kept(lab.client()));

        refused(
                whole,
                FileTime.from(Instant.now().minusSeconds(3 * 3600)),
                "it was last confirmed");
        byte[] damaged = whole.clone();
        damaged[whole.length / 2] ^= 1;
        refused(damaged, FileTime.from(Instant.now()), "it is damaged");
        byte[] otherVersion = whole.clone();
        otherVersion[5] = 77;
        refused(otherVersion, FileTime.from(Instant.now()), "it is of version 77");
        refused(
                Arrays.copyOf(whole, whole.length / 2),
                FileTime.from(Instant.now()),
                "it is damaged");

        Files.write(kept(lab.client()), whole);
        DaemonProcess good = keeping(lab.client(), "XDS_SNAPSHOT_MAX_AGE=2h");
        ready(good);
        end(good);
    }

    private void refused(byte[] content, FileTime time, String reason) throws Exception {
        Files.write(kept(lab.client()), content);
        Files.setLastModifiedTime(kept(lab.client()), time);
        DaemonProcess daemon = keeping(lab.client(), "XDS_SNAPSHOT_MAX_AGE=2h");
        MeshLab.eventually(
                "a word about it", () -> !daemon.lines("is not used: " + reason).isEmpty());
        // Long enough to have been served, had it been believed.
        MeshLab.eventually(
                "two attempts",
                () -> daemon.lines("the stream to the control plane ended").size() > 1);
        assertThat(daemon.isReady()).isFalse();
        assertThat(daemon.get("http://127.0.0.1:15021/healthz/ready")).contains("state manager");
        MeshLab.eventually(
                "the dump tells it",
                () -> daemon.get("http://127.0.0.1:15000/config_dump").contains(reason));
        end(daemon);
    }

    @Test
    void C1_aBadResourceKeepsNoNodeDownAndIsTold() throws Exception {
        answer(
                workload(lab.client(), "default/nobody-made-it"),
                workload(lab.server()),
                Responses.garbage("Kubernetes//Pod/default/bad", "v1"));
        FakeIstiod.answer(folder, Responses.policies("p", Responses.garbage("default/odd", "")));

        DaemonProcess client = starting(lab.client());
        DaemonProcess server = starting(lab.server());
        ready(client);
        ready(server);
        roundTrip();

        String address = "{url=\"" + ResourceType.ADDRESS.typeUrl() + "\"} ";
        // Those of the mesh and those of the stream are gathered apart.
        MeshLab.eventually(
                "the numbers of the mesh",
                () -> metrics(client).contains("ztunnel_java_mesh_unknown_policies 1"));
        MeshLab.eventually(
                "the numbers of the stream",
                () ->
                        metrics(client)
                                .contains("ztunnel_java_xds_rejected_resources" + address + "1"));
        assertThat(metrics(client))
                .contains("ztunnel_java_xds_connected 1", "ztunnel_java_xds_streams_total 1")
                .contains("ztunnel_java_xds_rejected_resources" + address + "1")
                .contains("ztunnel_java_xds_nacks_total" + address + "1")
                .contains("ztunnel_java_xds_resources" + address + "2")
                .contains("ztunnel_java_xds_silent_seconds" + address);
        assertThat(client.get("http://127.0.0.1:15000/config_dump"))
                .contains(
                        "\"Kubernetes//Pod/default/bad\": \"cannot be decoded",
                        "\"default/nobody-made-it\"",
                        "\"default/odd\"");

        answer(workload(lab.client()), workload(lab.server()));
        FakeIstiod.answer(folder, Responses.gone(ResourceType.AUTHORIZATION, "p2", "default/odd"));
        MeshLab.eventually(
                "the policy nobody made is no longer listed",
                () -> metrics(client).contains("ztunnel_java_mesh_unknown_policies 0"));
        String policy = "{url=\"" + ResourceType.AUTHORIZATION.typeUrl() + "\"} ";
        MeshLab.eventually(
                "the odd policy is gone",
                () -> metrics(client).contains("xds_rejected_resources" + policy + "0"));
    }
}
