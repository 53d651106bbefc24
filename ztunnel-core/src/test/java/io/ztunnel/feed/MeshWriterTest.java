package io.ztunnel.feed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;

import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;
import io.ztunnel.worker.Publication;
import io.ztunnel.xds.Clockwork;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.HandMovedScheduler;
import io.ztunnel.xds.NodeDescription;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.Responses;
import io.ztunnel.xds.ScriptedTransport;
import io.ztunnel.xds.Subscription;
import io.ztunnel.xds.XdsSettings;
import io.ztunnel.xds.proto.discovery.Resource;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;
import io.ztunnel.xds.proto.workload.PortList;
import io.ztunnel.xds.proto.workload.Service;
import io.ztunnel.xds.proto.workload.WorkloadStatus;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Pushes become snapshots: the mesh side of docs/spec/control-plane.md 2.16 and 4.5.
class MeshWriterTest {
    private static final NamespacedHostname SHOP = new NamespacedHostname("ns", "shop.example");
    private static final Duration GRACE = Duration.ofMillis(300);

    private final HandMovedScheduler time = new HandMovedScheduler();
    private final ScriptedTransport peer = new ScriptedTransport();
    private final MeshWriter writer = new MeshWriter("node1", time, GRACE);
    private final List<Publication> seen = new ArrayList<>();
    private final DeltaClient client =
            new DeltaClient(
                    XdsSettings.defaults(),
                    peer,
                    new NodeDescription(
                            "10.0.0.1", "z", "istio-system", "node1", Map.of(), Map.of()),
                    List.of(
                            Subscription.toAll(ResourceType.ADDRESS, writer.addresses()),
                            Subscription.toAll(ResourceType.AUTHORIZATION, writer.policies())),
                    new Clockwork(time, time::nanoTime, new Random(1)));

    MeshWriterTest() {
        client.start();
        writer.subscribe(seen::add);
        time.run();
        peer.stream().received();
    }

    private static Resource address(String name, Address.Builder address) {
        return resource(name, address.build());
    }

    private static Resource resource(String name, Message content) {
        return Responses.resource(name, "v", content.toByteString());
    }

    private static Resource pod(String uid, WorkloadStatus status, String... policies) {
        Address.Builder address = Address.newBuilder();
        address.getWorkloadBuilder()
                .setUid(uid)
                .setName(uid)
                .setNamespace("ns")
                .setNode("node1")
                .setStatus(status)
                .addAllAuthorizationPolicies(List.of(policies))
                .putServices(SHOP.toString(), PortList.getDefaultInstance());
        return address(uid, address);
    }

    private static Resource shop() {
        return address(
                SHOP.toString(),
                Address.newBuilder()
                        .setService(
                                Service.newBuilder()
                                        .setName("shop")
                                        .setNamespace("ns")
                                        .setHostname("shop.example")));
    }

    private void push(Resource... resources) {
        peer.stream().respond(Responses.addresses("n", resources));
    }

    private int endpoints() {
        return endpoints(seen.getLast());
    }

    private static int endpoints(Publication publication) {
        ServiceEntry shop = publication.mesh().service(SHOP);
        List<Workload> admitted = new ArrayList<>();
        shop.endpoints().forEachAdmitted(shop.service(), admitted::add);
        return admitted.size();
    }

    private String lastNack() {
        return peer.stream().received().getLast().getErrorDetail().getMessage();
    }

    @Test
    void aSubscriberGetsEverythingOnJoining() {
        assertThat(seen).hasSize(1);
        push(pod("a", WorkloadStatus.HEALTHY));
        List<Publication> late = new ArrayList<>();

        writer.subscribe(late::add);
        time.run();

        assertThat(late.getFirst().mesh()).isSameAs(seen.getLast().mesh());
        assertThat(late.getFirst().changes().localWorkloads()).containsExactly("a");
    }

    @Test
    void X6_onePushIsOnePublicationHoweverItsResourcesAreOrdered() {
        List<Resource> resources = new ArrayList<>();
        for (int i = 0; i < 25; i++) {
            resources.add(pod("before-" + i, WorkloadStatus.HEALTHY));
        }
        resources.add(shop());
        for (int i = 0; i < 25; i++) {
            resources.add(pod("after-" + i, WorkloadStatus.HEALTHY));
        }

        push(resources.toArray(Resource[]::new));

        assertThat(seen).hasSize(2);
        assertThat(endpoints()).isEqualTo(50);
    }

    @Test
    void X7_unhealthyWorkloadsAreNoEndpoints() {
        push(
                shop(),
                pod("a", WorkloadStatus.HEALTHY),
                pod("b", WorkloadStatus.UNHEALTHY),
                pod("c", WorkloadStatus.HEALTHY));
        assertThat(endpoints()).isEqualTo(2);
    }

    @Test
    void X8_anAddressWithoutContentIsTheOnlyOneRefused() {
        push(
                shop(),
                pod("a", WorkloadStatus.HEALTHY),
                address("hollow", Address.newBuilder()),
                pod("b", WorkloadStatus.HEALTHY));

        assertThat(lastNack()).isEqualTo("hollow: type: neither a workload nor a service");
        assertThat(endpoints()).isEqualTo(2);
    }

    @Test
    void X9_removingAWorkloadRemovesItsEndpoint() {
        push(shop(), pod("a", WorkloadStatus.HEALTHY), pod("b", WorkloadStatus.HEALTHY));
        peer.stream().respond(Responses.gone(ResourceType.ADDRESS, "n", "a"));
        assertThat(endpoints()).isEqualTo(1);
    }

    @Test
    void replacingAnEndpointIsNeverVisibleHalfDone() {
        push(shop(), pod("old", WorkloadStatus.HEALTHY));

        peer.stream()
                .respond(
                        Responses.addresses("n", pod("new", WorkloadStatus.HEALTHY)).toBuilder()
                                .addRemovedResources("old")
                                .build());

        assertThat(seen)
                .filteredOn(publication -> publication.mesh().service(SHOP) != null)
                .allMatch(publication -> endpoints(publication) == 1);
    }

    @Test
    void aNameUpdatedAndRemovedInOneResponseIsGone() {
        peer.stream()
                .respond(
                        Responses.addresses("n", pod("both", WorkloadStatus.HEALTHY)).toBuilder()
                                .addRemovedResources("both")
                                .build());
        assertThat(seen.getLast().mesh().workloadByUid("both")).isNull();
    }

    @Test
    void aRefusedUpdateLeavesTheOldContent() {
        push(pod("a", WorkloadStatus.HEALTHY));
        Address.Builder bad = Address.newBuilder();
        bad.getWorkloadBuilder().setUid("a").addAddresses(ByteString.copyFrom(new byte[2]));

        push(address("a", bad));

        Workload still = seen.getLast().mesh().workloadByUid("a");
        assertThat(still).isNotNull();
        assertThat(still.namespace()).isEqualTo("ns");
    }

    @Test
    void S1_aWorkloadIsNotSeenBeforeTheSelectorPolicyItListsArrives() {
        push(pod("a", WorkloadStatus.HEALTHY));
        int before = seen.size();

        push(pod("a", WorkloadStatus.HEALTHY, "ns/strict"));
        assertThat(seen).hasSize(before);
        push(pod("other", WorkloadStatus.HEALTHY));
        assertThat(seen).as("held back as long as the policy is awaited").hasSize(before);

        peer.stream().respond(Responses.policies("n", resource("ns/strict", policy("strict"))));
        assertThat(seen).hasSize(before + 1);
        assertThat(seen.getLast().mesh().workloadByUid("a").authorizationPolicies())
                .containsExactly("ns/strict");
        assertThat(seen.getLast().mesh().policy("ns/strict")).isNotNull();
        assertThat(seen.getLast().changes().policies()).containsExactly("ns/strict");
        assertThat(seen.getLast().changes().localWorkloads()).contains("a", "other");
        assertThat(writer.unknownPolicies()).isEmpty();
        assertThat(time.waiting()).as("nothing left to wait for").noneMatch(GRACE::equals);
    }

    @Test
    void S1_aPolicyThatStaysAwayHoldsNothingBackForLong() {
        push(pod("a", WorkloadStatus.HEALTHY, "ns/never"));
        int before = seen.size();

        time.advance(GRACE);

        assertThat(seen).hasSize(before + 1);
        assertThat(seen.getLast().mesh().workloadByUid("a")).isNotNull();
        assertThat(writer.unknownPolicies()).containsExactly("ns/never");
        push(pod("b", WorkloadStatus.HEALTHY, "ns/never"));
        assertThat(seen).as("a key known to be unknown holds nothing back").hasSize(before + 2);
    }

    /// Whoever waits for an answer of the control plane would otherwise decide without it.
    @Test
    void whatIsHeldBackIsSaidToBePublishedOnlyThen() {
        assertThat(writer.whenPublished()).isCompleted();
        push(pod("a", WorkloadStatus.HEALTHY, "ns/never"));
        int before = seen.size();
        List<Integer> seenBefore = new ArrayList<>();
        writer.whenPublished().thenRun(() -> seenBefore.add(seen.size()));
        assertThat(seenBefore).isEmpty();

        time.advance(GRACE);

        assertThat(seenBefore).containsExactly(before + 1);
        push(pod("b", WorkloadStatus.HEALTHY));
        assertThat(writer.whenPublished()).isCompleted();
    }

    @Test
    void anEditIsABatchToo() {
        writer.edit(delta -> delta.upsert(Workload.builder().uid("file").build()));
        time.run();
        assertThat(seen.getLast().mesh().workloadByUid("file")).isNotNull();
    }

    private static Authorization policy(String name) {
        return Authorization.newBuilder().setName(name).setNamespace("ns").setScopeValue(2).build();
    }
}
