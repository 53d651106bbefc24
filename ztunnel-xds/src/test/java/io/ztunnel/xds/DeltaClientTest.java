package io.ztunnel.xds;

import static io.ztunnel.xds.Responses.addresses;
import static io.ztunnel.xds.Responses.garbage;
import static io.ztunnel.xds.Responses.gone;
import static io.ztunnel.xds.Responses.policies;
import static io.ztunnel.xds.Responses.policy;
import static io.ztunnel.xds.Responses.workload;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.discovery.Resource;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/// The protocol of docs/spec/control-plane.md 2.4 to 2.8 and 2.16, without time and without
/// sockets.
class DeltaClientTest {
    private static final String ADDRESS = ResourceType.ADDRESS.typeUrl();
    private static final String AUTHORIZATION = ResourceType.AUTHORIZATION.typeUrl();

    @Test
    void X1_twoRequestsOpenAStreamAddressFirstWithNodeAndWithoutClaims() {
        Play play = Play.wildcard();

        DeltaDiscoveryRequest.Builder common =
                DeltaDiscoveryRequest.newBuilder().setNode(Play.NODE.toMessage());
        assertThat(play.peer.stream().received())
                .containsExactly(
                        common.setTypeUrl(ADDRESS).build(),
                        common.setTypeUrl(AUTHORIZATION).build());
    }

    @Test
    void X2_syncedAfterTheFirstResponseOfEachTypeAndNotBefore() {
        Play play = Play.wildcard();

        play.peer.stream().respond(policies("1", policy("deny-80")));
        assertThat(play.client.synced()).isNotDone();

        play.peer.stream().respond(addresses("2", workload("w", "v")));
        assertThat(play.client.synced()).isDone();
        assertThat(play.policies.state()).containsKey("ns/deny-80");
    }

    @Test
    void X3_aBadResourceIsNamedTheGoodOneAppliedAndOnlyTheGoodOneClaimed() {
        Play play = Play.wildcard();
        play.peer.stream().received();

        play.peer.stream()
                .respond(addresses("n", workload("foo0", "0.0.1"), garbage("bad", "9.9.9")));

        DeltaDiscoveryRequest nack = play.peer.stream().received().getFirst();
        assertThat(nack.getResponseNonce()).isEqualTo("n");
        assertThat(nack.getErrorDetail().getCode()).isZero();
        assertThat(nack.getErrorDetail().getMessage()).startsWith("bad: ");
        assertThat(nack.hasNode()).isFalse();
        assertThat(play.addresses.state()).containsOnlyKeys("foo0");
        List<DeltaDiscoveryRequest> reopened = play.reconnect().received();
        assertThat(reopened.get(0).getInitialResourceVersionsMap())
                .containsExactly(java.util.Map.entry("foo0", "0.0.1"));
        assertThat(reopened.get(1).getInitialResourceVersionsMap()).isEmpty();
    }

    @Test
    void X4_anAbortedStreamKeepsTheStateAndARemovalOnTheNextOneEndsIt() {
        Play play = Play.wildcard();
        play.peer.stream().respond(addresses("1", workload("w", "v")));

        var next = play.reconnect();
        assertThat(play.addresses.state()).containsOnlyKeys("w");

        next.respond(gone(ResourceType.ADDRESS, "2", "w"));
        assertThat(play.addresses.state()).isEmpty();
        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsMap())
                .isEmpty();
    }

    @Test
    void X8_resourcesThatTheSinkRefusesAreTheOnlyOnesMissing() {
        Play play = Play.wildcard();
        play.peer.stream().received();
        play.addresses.verdict =
                (name, address) -> address.hasWorkload() ? null : "neither workload nor service";

        play.peer.stream()
                .respond(
                        addresses(
                                "1",
                                workload("a", "1"),
                                Responses.resource("empty", "1", ByteString.EMPTY),
                                workload("b", "1")));

        assertThat(play.addresses.state()).containsOnlyKeys("a", "b");
        assertThat(play.peer.stream().received().getFirst().getErrorDetail().getMessage())
                .isEqualTo("empty: neither workload nor service");
    }

    @Test
    void X10_anUnknownTypeIsAcknowledgedAndChangesNothing() {
        Play play = Play.wildcard();
        play.peer.stream().received();

        play.peer.stream()
                .respond(
                        DeltaDiscoveryResponse.newBuilder()
                                .setTypeUrl("type.googleapis.com/istio.test.Unknown")
                                .setNonce("n")
                                .addResources(workload("w", "v"))
                                .build());

        assertThat(play.peer.stream().received())
                .containsExactly(
                        DeltaDiscoveryRequest.newBuilder()
                                .setTypeUrl("type.googleapis.com/istio.test.Unknown")
                                .setResponseNonce("n")
                                .build());
        assertThat(play.addresses.state()).isEmpty();
        assertThat(play.stats().unknownTypeResponses()).isEqualTo(1);
        assertThat(play.client.synced()).isNotDone();
    }

    @Test
    void anAckCarriesTypeAndNonceAndNothingElse() {
        Play play = Play.wildcard();
        play.peer.stream().received();

        play.peer.stream().respond(addresses("n1", workload("w", "v")));

        assertThat(play.peer.stream().received())
                .containsExactly(
                        DeltaDiscoveryRequest.newBuilder()
                                .setTypeUrl(ADDRESS)
                                .setResponseNonce("n1")
                                .build());
    }

    @Test
    void aResponseIsOneBatchUpdatesInOrderThenRemovals() {
        Play play = Play.wildcard();

        play.peer.stream()
                .respond(
                        addresses("n", workload("b", "1"), workload("a", "1")).toBuilder()
                                .addRemovedResources("z")
                                .addRemovedResources("b")
                                .build());

        assertThat(play.addresses.batches()).hasSize(1);
        assertThat(play.addresses.batches().getFirst())
                .extracting(ResourceUpdate::name)
                .containsExactly("b", "a", "z", "b");
        assertThat(play.addresses.state()).containsOnlyKeys("a");
    }

    @Test
    void aNameUpdatedAndRemovedInOneResponseIsGoneAndNotClaimed() {
        // The reference claims it (vectors/i-nack 24 and 30); a server that still has that version
        // would then never send it again.
        Play play = Play.wildcard();

        play.peer.stream()
                .respond(
                        addresses("n", workload("both", "v")).toBuilder()
                                .addRemovedResources("both")
                                .build());

        assertThat(play.addresses.state()).isEmpty();
        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsMap())
                .isEmpty();
    }

    @Test
    void ofDuplicatesTheLastWins() {
        Play play = Play.wildcard();

        play.peer.stream().respond(addresses("n", workload("d", "1"), workload("d", "2")));

        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsMap())
                .containsEntry("d", "2");
    }

    @Test
    void unknownRemovalsAreNormal() {
        Play play = Play.wildcard();
        play.peer.stream().received();

        play.peer.stream()
                .respond(
                        gone(
                                ResourceType.AUTHORIZATION,
                                "n",
                                "ns/never-sent",
                                "no-slash",
                                "a/b/c"));

        assertThat(play.peer.stream().received())
                .singleElement()
                .matches(request -> !request.hasErrorDetail());
    }

    @Test
    void aResourceWithoutContentIsRejected() {
        Play play = Play.wildcard();
        play.peer.stream().received();

        play.peer.stream().respond(addresses("n", Resource.newBuilder().setName("hollow").build()));

        assertThat(play.peer.stream().received().getFirst().getErrorDetail().getMessage())
                .startsWith("hollow: ");
    }

    @Test
    void aRefusedUpdateKeepsThePreviousContentAndItsVersionInTheClaim() {
        Play play = Play.wildcard();
        play.peer.stream().respond(addresses("1", workload("w", "old")));

        play.peer.stream().respond(addresses("2", garbage("w", "new")));

        assertThat(play.addresses.state()).containsKey("w");
        assertThat(play.addressStats().rejected()).extracting(Rejection::name).containsExactly("w");
        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsMap())
                .containsEntry("w", "old");
    }

    @Test
    void C1_rejectionsDoNotHoldReadinessBack() {
        Play play = Play.wildcard();

        play.peer.stream().respond(addresses("1", garbage("bad", "1")));
        play.peer.stream().respond(policies("2"));

        assertThat(play.client.synced()).isDone();
    }

    @Test
    void C16_theTextOfANackIsBounded() {
        Play play = Play.wildcard();
        play.peer.stream().received();
        List<Resource> bad = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            bad.add(garbage("r" + i + "x".repeat(1_000), "1"));
        }

        play.peer.stream().respond(addresses("n", bad.toArray(Resource[]::new)));

        String text = play.peer.stream().received().getFirst().getErrorDetail().getMessage();
        assertThat(text).startsWith("r0xxx").endsWith("; and 4980 more").hasSizeLessThan(15_000);
        assertThat(play.addressStats().rejectedCount()).isEqualTo(5_000);
        assertThat(play.addressStats().rejected()).hasSize(100);
    }

    @Test
    void aFaultOfTheSinkIsReportedAndTheStreamGoesOn() {
        Play play = Play.wildcard();
        play.peer.stream().received();
        play.addresses.fault = new IllegalStateException("a bug");

        play.peer.stream().respond(addresses("1", workload("w", "v")));
        play.addresses.fault = null;
        play.peer.stream().respond(addresses("2", workload("x", "v")));

        List<DeltaDiscoveryRequest> answers = play.peer.stream().received();
        assertThat(answers.get(0).getErrorDetail().getMessage()).contains("a bug");
        assertThat(answers.get(1).hasErrorDetail()).isFalse();
        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsMap())
                .containsOnlyKeys("x");
    }

    @Test
    void anAcceptedResourceIsNoLongerCountedAsRejected() {
        Play play = Play.wildcard();
        play.peer.stream().respond(addresses("1", garbage("w", "1"), garbage("gone", "1")));
        assertThat(play.addressStats().rejectedCount()).isEqualTo(2);

        play.peer.stream().respond(addresses("2", workload("w", "2")));
        play.peer.stream().respond(gone(ResourceType.ADDRESS, "3", "gone"));

        assertThat(play.addressStats().rejectedCount()).isZero();
        assertThat(play.addressStats().rejectionsTotal()).isEqualTo(2);
        assertThat(play.addressStats().nacks()).isEqualTo(1);
    }

    @Test
    void anEmptyAnswerCounts() {
        Play play = Play.wildcard();

        play.peer.stream().respond(addresses("1"));
        play.peer.stream().respond(policies("2"));

        assertThat(play.client.synced()).isDone();
        assertThat(play.addresses.batches()).hasSize(1);
    }
}
