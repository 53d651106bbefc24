package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import io.netty.pkitesting.X509Bundle;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.Responses;
import io.ztunnel.xds.ScriptedServer;
import io.ztunnel.xds.ScriptedServer.ServerStream;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.Resource;
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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// On-demand mode with everything real but istiod: a daemon, pods, a gRPC stream over TLS
/// (docs/spec/control-plane.md 2.11). As istiod does, the script answers a demand for an address
/// with a resource that has another name and the address as an alias.
@Tag("netns")
@Timeout(180)
class OnDemandNetnsIT {
    private static final int XDS = 15011;

    @TempDir Path folder;

    private final X509Bundle authority = ScriptedServer.authority();
    private MeshLab lab;
    private ScriptedServer istiod;
    private Passage door;
    private ServerSocketChannel echo;
    private DaemonProcess client;
    private ServerStream stream;

    @BeforeEach
    void build() throws Exception {
        lab = new MeshLab(folder, Redirection.iptables());
        Path nothing = folder.resolve("nothing.yaml");
        Files.writeString(nothing, "workloads: []\n");
        istiod =
                new ScriptedServer(
                        ScriptedServer.serverCertificate(authority, MeshLab.CA.getHostAddress()),
                        0);
        door = new Passage(lab.fabric(), XDS, istiod.port());
        Path roots = folder.resolve("xds-roots.pem");
        Files.writeString(roots, authority.getCertificatePEM());
        echo = Application.serve(lab.server().namespace(), Conversations.ECHO, Application::echo);
        client =
                lab.starting(
                        lab.client(),
                        DaemonProcess.ours(),
                        "XDS_ADDRESS=https://" + MeshLab.CA.getHostAddress() + ":" + XDS,
                        "XDS_ROOT_CA=" + roots,
                        "LOCAL_XDS_PATH=" + nothing,
                        "XDS_ON_DEMAND=true");
        stream = istiod.accept();
        stream.request(ResourceType.AUTHORIZATION.typeUrl());
        stream.respond(Responses.policies("p1"));
        // Unasked, the workloads of the node.
        stream.respond(Responses.addresses("a1", resource(lab.client())));
        MeshLab.eventually("ready", () -> client.isReady() || !client.process().isAlive());
        assertThat(client.process().isAlive()).as(client.tail()).isTrue();
    }

    @AfterEach
    void remove() throws IOException {
        echo.close();
        door.close();
        istiod.close();
        lab.close();
    }

    private static Resource resource(Pod pod) {
        Workload workload =
                Workload.newBuilder()
                        .setUid("Kubernetes//Pod/default/" + pod.name())
                        .setName(pod.name())
                        .setNamespace("default")
                        .setServiceAccount(pod.name())
                        .setTunnelProtocol(TunnelProtocol.HBONE)
                        .addAddresses(ByteString.copyFrom(pod.ipv4().getAddress()))
                        .build();
        return Responses.resource(
                        workload.getUid(),
                        "1",
                        Address.newBuilder().setWorkload(workload).build().toByteString())
                .toBuilder()
                .addAliases("/" + pod.ipv4().getHostAddress())
                .build();
    }

    /// The next request that asks for something, after the one that opens the stream.
    private String demanded() {
        while (true) {
            DeltaDiscoveryRequest request = stream.request(ResourceType.ADDRESS.typeUrl());
            if (request.getResourceNamesSubscribeCount() > 0
                    && !request.getResourceNamesSubscribe(0).equals("*")) {
                assertThat(request.getResourceNamesSubscribeCount()).isEqualTo(1);
                return request.getResourceNamesSubscribe(0);
            }
        }
    }

    private Conversations talk() {
        return new Conversations(lab.client().namespace(), lab.server().ipv4());
    }

    @Test
    void manyFirstConnectionsShareOneDemandAndGoThroughTheMesh() throws Exception {
        lab.daemon(lab.server(), DaemonProcess.ours());
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> talking = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                talking.add(
                        threads.submit(
                                () -> {
                                    talk().roundTrip();
                                    return null;
                                }));
            }
            assertThat(demanded()).isEqualTo("/" + lab.server().ipv4().getHostAddress());
            stream.respond(Responses.addresses("a2", resource(lab.server())));
            for (Future<?> each : talking) {
                each.get();
            }
        }
        talk().roundTrip();

        MeshLab.eventually("9 lines", () -> client.lines("connection complete").size() == 9);
        assertThat(client.lines("dst.hbone_addr=")).hasSize(9);
        assertThat(stream.leftOver())
                .as("asked once")
                .noneMatch(request -> request.getResourceNamesSubscribeCount() > 0);
    }

    @Test
    void whatTheControlPlaneDoesNotKnowIsPassedThroughAndNotAskedForAgainAtOnce() throws Exception {
        Pod outsider = lab.outsider();
        Conversations outside = new Conversations(lab.client().namespace(), outsider.ipv4());
        try (ServerSocketChannel _ =
                        Application.serve(
                                outsider.namespace(), Conversations.ECHO, Application::echo);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<?> first =
                    threads.submit(
                            () -> {
                                outside.roundTrip();
                                return null;
                            });
            String key = demanded();
            stream.respond(Responses.gone(ResourceType.ADDRESS, "a2", key));
            first.get();
            for (int i = 0; i < 5; i++) {
                outside.roundTrip();
            }
        }

        MeshLab.eventually("6 lines", () -> client.lines("connection complete").size() == 6);
        assertThat(client.lines("dst.hbone_addr=")).isEmpty();
        assertThat(stream.leftOver())
                .as("asked once")
                .noneMatch(request -> request.getResourceNamesSubscribeCount() > 0);
    }

    @Test
    void aControlPlaneThatDoesNotAnswerEndsTheWaitAndNothingGoesOutInTheOpen() throws Exception {
        talk().isRefused();

        MeshLab.eventually(
                "it says why",
                () ->
                        !client.lines(
                                        "no answer from the control plane in time: /"
                                                + lab.server().ipv4().getHostAddress())
                                .isEmpty());
        assertThat(client.lines("connection complete")).isEmpty();
    }

    @Test
    void aFileIsNeverAskedAbout() throws Exception {
        DaemonProcess alone = lab.daemon(lab.server(), DaemonProcess.ours(), "XDS_ON_DEMAND=true");
        new Conversations(lab.server().namespace(), lab.outsider().ipv4()).isRefused();
        MeshLab.eventually("it was tried", () -> !alone.lines("Connection refused").isEmpty());
        assertThat(alone.lines("no answer from the control plane")).isEmpty();
    }
}
