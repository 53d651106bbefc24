package io.ztunnel.xds;

import static io.ztunnel.xds.Responses.addresses;
import static io.ztunnel.xds.Responses.garbage;
import static io.ztunnel.xds.Responses.gone;
import static io.ztunnel.xds.Responses.policies;
import static io.ztunnel.xds.Responses.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.Resource;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/// Lookups one by one (docs/spec/control-plane.md 2.4 and 2.11; C4 of the reference's weaknesses).
class OnDemandTest {
    private static final String ADDRESS = ResourceType.ADDRESS.typeUrl();

    private static DeltaDiscoveryRequest subscribe(String key) {
        return DeltaDiscoveryRequest.newBuilder()
                .setTypeUrl(ADDRESS)
                .addResourceNamesSubscribe(key)
                .build();
    }

    private static DeltaDiscoveryRequest unsubscribe(String key) {
        return DeltaDiscoveryRequest.newBuilder()
                .setTypeUrl(ADDRESS)
                .addResourceNamesUnsubscribe(key)
                .build();
    }

    private static Play opened() {
        Play play = Play.onDemand();
        play.peer.stream().received();
        return play;
    }

    @Test
    void opensSubscribedToNothingButPoliciesToAll() {
        var opening = Play.onDemand().peer.stream().received();

        assertThat(opening.get(0).getResourceNamesSubscribeList()).containsExactly("*");
        assertThat(opening.get(0).getResourceNamesUnsubscribeList()).containsExactly("*");
        assertThat(opening.get(1).getResourceNamesSubscribeList()).isEmpty();
        assertThat(opening.get(1).getResourceNamesUnsubscribeList()).isEmpty();
    }

    @Test
    void onlyTheWildcardTypeDecidesReadiness() {
        Play play = opened();
        play.peer.stream().respond(policies("1"));
        assertThat(play.client.synced()).isDone();
    }

    @Test
    void aDemandAsksForOneKeyAndNothingElse() {
        Play play = opened();
        play.lookUp("/10.0.0.1");
        assertThat(play.peer.stream().received()).containsExactly(subscribe("/10.0.0.1"));
    }

    @Test
    void X5_theWaiterContinuesOnlyAfterTheWholeResponseIsVisibleAndBeforeTheAck() {
        Play play = opened();
        AtomicInteger visible = new AtomicInteger();
        AtomicInteger sent = new AtomicInteger();
        play.lookUp("foo0")
                .thenRun(
                        () -> {
                            visible.set(play.addresses.state().size());
                            sent.set(play.peer.stream().received().size());
                        });
        play.peer.stream().received();

        play.peer.stream()
                .respond(
                        addresses(
                                "n",
                                IntStream.range(0, 10_000)
                                        .mapToObj(i -> workload("foo" + i, "v"))
                                        .toArray(Resource[]::new)));

        assertThat(visible).hasValue(10_000);
        assertThat(sent).hasValue(0);
    }

    @Test
    void C4_anAnswerUnderAnAliasWakesTheWaiter() {
        Play play = opened();
        CompletableFuture<LookupEnd> end = play.lookUp("/10.30.0.21");

        play.peer.stream().respond(addresses("n", workload("ns/svc.example", "v", "/10.30.0.21")));

        assertThat(end).isCompletedWithValue(LookupEnd.ANSWERED);
    }

    @Test
    void C4_waitersOfOneKeyShareOneRequest() {
        Play play = opened();
        var first = play.lookUp("k");
        var second = play.lookUp("k");
        assertThat(play.peer.stream().received()).containsExactly(subscribe("k"));

        first.cancel(false);
        play.peer.stream().respond(addresses("n", workload("k", "v")));

        assertThat(second).isCompletedWithValue(LookupEnd.ANSWERED);
    }

    @Test
    void notFoundIsAnAnswerAndIsBelievedForAWhile() {
        Play play = opened();
        var end = play.lookUp("/10.20.77.77");
        play.peer.stream().respond(gone(ResourceType.ADDRESS, "n", "/10.20.77.77"));
        assertThat(end).isCompletedWithValue(LookupEnd.ABSENT);
        play.peer.stream().received();

        assertThat(play.lookUp("/10.20.77.77")).isCompletedWithValue(LookupEnd.ABSENT);
        assertThat(play.peer.stream().received()).isEmpty();

        play.time.advance(XdsSettings.defaults().lookups().absentFor());
        assertThat(play.lookUp("/10.20.77.77")).isNotDone();
        assertThat(play.peer.stream().received())
                .as("a repeated subscription alone would not be answered")
                .containsExactly(unsubscribe("/10.20.77.77"), subscribe("/10.20.77.77"));
    }

    @Test
    void aKeyThatWasAnsweredAndIsMissedAgainIsUnsubscribedFirst() {
        Play play = opened();
        play.lookUp("/10.0.0.1");
        play.peer.stream().respond(addresses("n", workload("uid", "v", "/10.0.0.1")));
        play.peer.stream().respond(gone(ResourceType.ADDRESS, "m", "uid"));
        play.peer.stream().received();

        play.lookUp("/10.0.0.1");

        assertThat(play.peer.stream().received())
                .containsExactly(unsubscribe("/10.0.0.1"), subscribe("/10.0.0.1"));
    }

    @Test
    void anAbsentKeyThatAppearsLaterIsNoLongerAbsent() {
        Play play = opened();
        play.lookUp("k");
        play.peer.stream().respond(gone(ResourceType.ADDRESS, "1", "k"));
        play.peer.stream().respond(addresses("2", workload("k", "v")));

        assertThat(play.lookUp("k")).isNotDone();
    }

    @Test
    void aLookupDoesNotWaitForEver() {
        Play play = opened();
        var end = play.lookUp("k");

        play.time.advance(XdsSettings.defaults().lookups().timeout());

        assertThat(end).isCompletedWithValue(LookupEnd.TIMED_OUT);
        assertThat(play.addressStats().pendingLookups()).isZero();
        play.peer.stream().respond(addresses("late", workload("k", "v")));
        assertThat(play.addresses.state()).containsKey("k");
    }

    @Test
    void aRejectedAnswerWakesTheWaiterToo() {
        Play play = opened();
        var end = play.lookUp("k");
        play.peer.stream().respond(addresses("n", garbage("k", "v")));
        assertThat(end).isCompletedWithValue(LookupEnd.ANSWERED);
    }

    @Test
    void whatIsStillWaitedForIsClaimedWithAnEmptyVersionOnTheNextStream() {
        Play play = opened();
        play.lookUp("held");
        play.peer.stream().respond(addresses("n", workload("held", "v")));
        var end = play.lookUp("pending");

        var opening = play.reconnect().received().getFirst();

        assertThat(opening.getInitialResourceVersionsMap())
                .isEqualTo(java.util.Map.of("held", "v", "pending", ""));
        assertThat(opening.getResourceNamesSubscribeList()).containsExactly("*");
        play.peer.stream().respond(gone(ResourceType.ADDRESS, "m", "pending"));
        assertThat(end).isCompletedWithValue(LookupEnd.ABSENT);
    }

    @Test
    void aDemandWithoutAStreamWaitsForTheNextOne() {
        Play play = opened();
        play.peer.stream().end(StreamEnd.Reason.ERROR, "X", "");
        play.lookUp("k");
        play.time.advance(Duration.ofSeconds(1));
        assertThat(play.peer.stream().received().getFirst().getInitialResourceVersionsMap())
                .containsEntry("k", "");
    }

    @Test
    void claimsAboveTheBoundAreSubscribedPiecemeal() {
        Play play = Play.with(Play.claimingAtMost(400), Subscription.Mode.ON_DEMAND);
        play.peer.stream()
                .respond(
                        addresses(
                                "n",
                                IntStream.range(0, 100)
                                        .mapToObj(i -> workload("name" + i, "v"))
                                        .toArray(Resource[]::new)));

        var opening = play.reconnect().received();

        assertThat(opening.getLast().getTypeUrl()).isEqualTo(ResourceType.AUTHORIZATION.typeUrl());
        var addresses = opening.subList(0, opening.size() - 1);
        assertThat(addresses.getFirst().hasNode()).isTrue();
        assertThat(addresses.subList(1, addresses.size()))
                .noneMatch(DeltaDiscoveryRequest::hasNode)
                .allMatch(request -> request.getSerializedSize() < 400 + 60);
        int claimed = addresses.getFirst().getInitialResourceVersionsCount();
        int subscribed =
                addresses.stream()
                        .skip(1)
                        .mapToInt(DeltaDiscoveryRequest::getResourceNamesSubscribeCount)
                        .sum();
        assertThat(claimed).isBetween(1, 99);
        assertThat(claimed + subscribed).isEqualTo(100);
        assertThat(play.addresses.state()).hasSize(100);
    }

    @Test
    void unknownKeysDoNotPileUpAtTheServer() {
        XdsSettings usual = XdsSettings.defaults();
        XdsSettings few =
                new XdsSettings(
                        usual.reconnect(),
                        usual.largestClaimBytes(),
                        usual.answerWithin(),
                        new XdsSettings.Lookups(Duration.ofSeconds(5), Duration.ofSeconds(10), 3));
        Play play = Play.with(few, Subscription.Mode.ON_DEMAND);
        for (int i = 0; i < 4; i++) {
            play.lookUp("k" + i);
            play.peer.stream().respond(gone(ResourceType.ADDRESS, "n", "k" + i));
        }
        assertThat(play.peer.stream().received()).contains(unsubscribe("k0"));
    }

    @Test
    void closingLetsEverybodyGo() {
        Play play = opened();
        var end = play.lookUp("k");
        play.client.close();
        play.time.run();
        assertThat(end).isCompletedWithValue(LookupEnd.TIMED_OUT);
        assertThat(play.lookUp("later")).isCompletedWithValue(LookupEnd.TIMED_OUT);
    }

    @Test
    void wildcardTypesHaveNoLookups() {
        Play play = Play.wildcard();
        assertThatThrownBy(() -> play.lookUp("k")).isInstanceOf(IllegalArgumentException.class);
    }
}
