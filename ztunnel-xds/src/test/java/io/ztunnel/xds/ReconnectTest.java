package io.ztunnel.xds;

import static io.ztunnel.xds.Responses.addresses;
import static io.ztunnel.xds.Responses.garbage;
import static io.ztunnel.xds.Responses.policies;
import static io.ztunnel.xds.Responses.policy;
import static io.ztunnel.xds.Responses.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.xds.StreamEnd.Reason;
import io.ztunnel.xds.Subscription.Mode;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.Resource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/// Streams that end: claims, sweeps and waiting (docs/spec/control-plane.md 2.9 and 2.10; C5, C7
/// and C8 of the reference's weaknesses are the rules that differ).
class ReconnectTest {
    private static final XdsSettings.Reconnect USUAL = XdsSettings.defaults().reconnect();

    @Test
    void aNewStreamClaimsNamesAndVersionsOfBothTypes() {
        Play play = Play.wildcard();
        play.peer.stream().respond(addresses("1", workload("a", "va"), workload("b", "vb")));
        play.peer.stream().respond(policies("2", policy("p")));

        List<DeltaDiscoveryRequest> opening = play.reconnect().received();

        assertThat(opening).hasSize(2).allMatch(DeltaDiscoveryRequest::hasNode);
        assertThat(opening.get(0).getInitialResourceVersionsMap())
                .isEqualTo(Map.of("a", "va", "b", "vb"));
        assertThat(opening.get(1).getInitialResourceVersionsMap()).isEqualTo(Map.of("ns/p", ""));
        assertThat(opening).allMatch(request -> request.getResponseNonce().isEmpty());
    }

    @Test
    void aClaimRepeatsEachVersionToTheLetter() {
        Play play = Play.wildcard();
        Map<String, String> versions =
                Map.of(
                        "hex", "00ffabcdef012345",
                        "minus", "ffffffffffffffff",
                        "upper", "00FFABCDEF012345",
                        "short", "abc",
                        "other", "zzzzzzzzzzzzzzzz",
                        "none", "");
        versions.forEach(
                (name, version) ->
                        play.peer.stream().respond(addresses(name, workload(name, version))));

        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsMap())
                .isEqualTo(versions);
    }

    @Test
    void C5_aClaimAboveTheBoundIsNotMadeAndTheFirstAnswerSweepsInOneBatch() {
        Play play = Play.with(Play.claimingAtMost(100), Mode.WILDCARD);
        Resource[] many =
                IntStream.range(0, 50)
                        .mapToObj(i -> workload("w" + i, "v"))
                        .toArray(Resource[]::new);
        play.peer.stream().respond(addresses("1", many));

        var next = play.reconnect();
        assertThat(next.received().getFirst().getInitialResourceVersionsCount()).isZero();
        next.respond(addresses("2", workload("w3", "v"), workload("new", "v"), garbage("w7", "v")));

        assertThat(play.addresses.batches()).hasSize(2);
        assertThat(play.addresses.state()).containsOnlyKeys("w3", "w7", "new");
        assertThat(play.addressStats().sweeps()).isEqualTo(1);
        assertThat(play.addressStats().resources()).isEqualTo(3);
    }

    @Test
    void onlyTheFirstAnswerSweeps() {
        Play play = Play.with(Play.claimingAtMost(10), Mode.WILDCARD);
        play.peer.stream().respond(addresses("1", workload("first", "v")));
        var next = play.reconnect();
        next.respond(addresses("2", workload("first", "v")));

        next.respond(addresses("3", workload("second", "v")));

        assertThat(play.addresses.state()).containsOnlyKeys("first", "second");
    }

    @Test
    void aSweepLeavesEverythingAloneIfAnUnreadableResourceMightBeAnyOfIt() {
        Play play = Play.with(Play.claimingAtMost(10), Mode.WILDCARD);
        play.peer.stream().respond(addresses("1", workload("a", "v"), workload("b", "v")));

        play.reconnect().respond(addresses("2", workload("a", "v"), garbage("", "v")));

        assertThat(play.addresses.state()).containsOnlyKeys("a", "b");
    }

    @Test
    void aSweepThatNeverGotItsAnswerIsRepeatedOnTheNextStream() {
        Play play = Play.with(Play.claimingAtMost(10), Mode.WILDCARD);
        play.peer.stream().respond(addresses("1", workload("a", "v"), workload("b", "v")));
        play.reconnect();

        play.reconnect().respond(addresses("2", workload("a", "v")));

        assertThat(play.addresses.state()).containsOnlyKeys("a");
    }

    @Test
    void theBoundCountsBytesOfTheRequestExactly() {
        Retained retained = new Retained();
        DeltaDiscoveryRequest.Builder request = DeltaDiscoveryRequest.newBuilder();
        Random random = new Random(3);
        for (int i = 0; i < 2_000; i++) {
            String name = "näme".repeat(random.nextInt(60)) + random.nextInt(500);
            String version = "v".repeat(random.nextInt(20));
            if (random.nextInt(4) == 0) {
                retained.remove(name);
                request.removeInitialResourceVersions(name);
            } else {
                retained.put(name, version);
                request.putInitialResourceVersions(name, version);
            }
        }
        assertThat(retained.claimBytes()).isEqualTo(request.build().getSerializedSize());
    }

    @Test
    void aServerWithALowerLimitThanOursIsMetWithASweepFromThenOn() {
        Play play = Play.wildcard();
        Resource[] many =
                IntStream.range(0, 500)
                        .mapToObj(i -> workload("workload-" + i, "version"))
                        .toArray(Resource[]::new);
        play.peer.stream().respond(addresses("1", many));
        var refusing = play.reconnect();
        assertThat(refusing.received().getFirst().getInitialResourceVersionsCount()).isEqualTo(500);

        refusing.end(
                Reason.CONNECTION_ERROR,
                "RESOURCE_EXHAUSTED",
                "grpc: received message larger than max (5000 vs. 4096)");
        play.time.advance(Duration.ofSeconds(20));

        assertThat(play.peer.stream().received().getFirst().getInitialResourceVersionsCount())
                .isZero();
        assertThat(play.reconnect().received().getFirst().getInitialResourceVersionsCount())
                .isZero();
    }

    @Test
    void aRateLimitIsNotMistakenForASizeLimit() {
        Play play = Play.wildcard();
        play.peer.stream().respond(addresses("1", workload("w", "v")));
        play.reconnect().end(Reason.CONNECTION_ERROR, "RESOURCE_EXHAUSTED", "too many requests");
        play.time.advance(Duration.ofSeconds(20));

        assertThat(play.peer.stream().received().getFirst().getInitialResourceVersionsMap())
                .containsOnlyKeys("w");
    }

    @ParameterizedTest
    @EnumSource(Reason.class)
    void C7_noReasonLeadsToAnImmediateReconnect(Reason reason) {
        Play play = Play.wildcard();
        for (int i = 0; i < 200; i++) {
            int before = play.peer.opened();
            play.peer.stream().end(reason, "X", "");
            play.time.run();
            play.time.advance(USUAL.least().minusNanos(1));
            assertThat(play.peer.opened()).isEqualTo(before);
            play.time.advance(USUAL.largestWindow());
            assertThat(play.peer.opened()).isEqualTo(before + 1);
        }
        assertThat(play.stats().terminations()).containsEntry(reason, 200L);
    }

    @Test
    void C8_theWindowDoublesToItsLimitAndDelaysFillIt() {
        List<Duration> last = new ArrayList<>();
        for (int seed = 0; seed < 200; seed++) {
            BackOff backOff = new BackOff(USUAL, new Random(seed));
            Duration window = USUAL.firstWindow();
            for (int i = 0; i < 12; i++) {
                Duration delay = backOff.after(Duration.ZERO);
                assertThat(delay).isBetween(USUAL.least(), window);
                window = window.multipliedBy(2);
                if (window.compareTo(USUAL.largestWindow()) > 0) {
                    window = USUAL.largestWindow();
                }
                if (i == 11) {
                    last.add(delay);
                }
            }
        }
        // Spread over the whole window rather than in step.
        assertThat(last).anyMatch(delay -> delay.toSeconds() < 2);
        assertThat(last).anyMatch(delay -> delay.toSeconds() >= 13);
    }

    @Test
    void C8_aStableStreamStartsTheWindowAnew() {
        BackOff backOff = new BackOff(USUAL, new Random(1));
        for (int i = 0; i < 20; i++) {
            backOff.after(Duration.ofSeconds(59));
        }
        assertThat(backOff.after(USUAL.stableAfter())).isLessThanOrEqualTo(USUAL.firstWindow());
    }

    @Test
    void silenceAfterConnectingEndsTheStream() {
        Play play = Play.wildcard();
        var silent = play.peer.stream();

        play.time.advance(XdsSettings.defaults().answerWithin().plus(USUAL.largestWindow()));

        assertThat(silent.cancelled()).isTrue();
        assertThat(play.peer.opened()).isEqualTo(2);
        assertThat(play.stats().lastEnd()).contains("no answer within");
    }

    @Test
    void anAnsweringStreamMayBeQuietForEver() {
        Play play = Play.wildcard();
        play.peer.stream().headers();

        play.time.advance(Duration.ofDays(2));

        assertThat(play.peer.opened()).isEqualTo(1);
        assertThat(play.stats().state()).isEqualTo(XdsStats.StreamState.STREAMING);
        assertThat(play.stats().stateFor()).isEqualTo(Duration.ofDays(2));
        assertThat(play.addressStats().sinceLastResponse()).isEqualTo(Duration.ofDays(2));
    }

    @Test
    void aStreamThatIsOverIsNotListenedTo() {
        Play play = Play.wildcard();
        var old = play.peer.stream();
        play.reconnect();

        old.respond(addresses("late", workload("ghost", "v")));
        old.end(Reason.ERROR, "X", "");
        play.time.run();

        assertThat(play.addresses.state()).isEmpty();
        assertThat(play.peer.opened()).isEqualTo(2);
    }

    @Test
    void aClosedClientStaysClosed() {
        Play play = Play.wildcard();
        play.client.close();
        play.time.run();

        assertThat(play.peer.stream().cancelled()).isTrue();
        play.peer.stream().end(Reason.ERROR, "X", "");
        play.time.advance(Duration.ofHours(1));

        assertThat(play.peer.opened()).isEqualTo(1);
        assertThat(play.time.waiting()).isEmpty();
        assertThat(play.stats().state()).isEqualTo(XdsStats.StreamState.CLOSED);
    }
}
