package io.ztunnel.worker;

import static io.ztunnel.worker.AvoidList.ANY_PORT;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.Workload;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;

/// docs/spec/dataplane.md 2.8: who is avoided, and for how long.
class AvoidListTest {
    private static final Duration TIME = Duration.ofSeconds(4);

    private long now = Long.MAX_VALUE - 5_000_000_000L; // clocks may wrap
    private final AvoidList list = new AvoidList(() -> now, new SplittableRandom(9));

    private static Workload workload(String uid) {
        return Workload.builder().uid(uid).build();
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    @Test
    void anEndpointIsAvoidedForAShortWhileThatVaries() {
        Set<Duration> times = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            Duration held = list.add(workload("w" + i), ANY_PORT, TIME);
            assertThat(held).isBetween(Duration.ofSeconds(3), Duration.ofSeconds(5));
            times.add(held);
        }
        assertThat(times).hasSizeGreaterThan(40);
        assertThat(list.isEmpty()).isFalse();

        pass(Duration.ofMillis(2999));
        for (int i = 0; i < 50; i++) {
            assertThat(list.contains(workload("w" + i), 80)).isTrue();
        }
        pass(Duration.ofMillis(2002));
        for (int i = 0; i < 50; i++) {
            assertThat(list.contains(workload("w" + i), 80)).isFalse();
        }
        assertThat(list.isEmpty()).isTrue();
        assertThat(list.size()).isZero();
    }

    @Test
    void aPortThatFailedSaysNothingOfTheOthers() {
        list.add(workload("w"), 9090, TIME);
        list.add(workload("w"), 9091, TIME);

        assertThat(list.contains(workload("w"), 9090)).isTrue();
        assertThat(list.contains(workload("w"), 9091)).isTrue();
        assertThat(list.contains(workload("w"), 80)).isFalse();
        list.forgive(workload("w"), 9090);
        assertThat(list.contains(workload("w"), 9090)).isFalse();
        assertThat(list.contains(workload("w"), 9091)).isTrue();
    }

    @Test
    void whoIsReachedIsForgiven() {
        list.add(workload("w"), ANY_PORT, TIME);
        list.forgive(workload("w"), 80);

        assertThat(list.contains(workload("w"), 80)).isFalse();
        assertThat(list.isEmpty()).isTrue();
    }

    @Test
    void aSecondFailureMeanwhileDoesNotProlongIt() {
        Duration first = list.add(workload("w"), ANY_PORT, TIME);
        pass(Duration.ofSeconds(1));

        assertThat(list.add(workload("w"), ANY_PORT, TIME)).isZero();
        assertThat(list.add(workload("w"), 80, TIME)).isZero();
        pass(first.minusSeconds(1));
        assertThat(list.contains(workload("w"), 80)).isFalse();
    }

    @Test
    void zeroSwitchesItOff() {
        assertThat(list.add(workload("w"), ANY_PORT, Duration.ZERO)).isZero();
        assertThat(list.isEmpty()).isTrue();
    }

    @Test
    void itHoldsABoundedNumberAndTheOldestGiveWay() {
        for (int i = 0; i < 3 * AvoidList.MOST; i++) {
            list.add(workload("w" + i), ANY_PORT, TIME);
        }

        assertThat(list.size()).isEqualTo(AvoidList.MOST);
        assertThat(list.contains(workload("w0"), 80)).isFalse();
        assertThat(list.contains(workload("w" + (3 * AvoidList.MOST - 1)), 80)).isTrue();
    }

    @Test
    void ofAWorkloadItHoldsTheNewestPorts() {
        for (int port = 1; port <= 1000; port++) {
            list.add(workload("many"), port, TIME);
        }

        int held = 0;
        for (int port = 1; port <= 1000; port++) {
            held += list.contains(workload("many"), port) ? 1 : 0;
        }
        assertThat(held).isEqualTo(AvoidList.MOST_PORTS);
        assertThat(list.contains(workload("many"), 1000)).isTrue();
    }
}
