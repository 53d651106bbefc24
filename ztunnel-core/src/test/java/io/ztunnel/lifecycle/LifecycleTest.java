package io.ztunnel.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

class LifecycleTest {
    @Test
    void pendingTasksAreSortedAndMayBeHeldAgain() {
        Readiness readiness = new Readiness();
        assertThat(readiness.body()).isEqualTo("ready\n");
        Hold state = readiness.hold("state manager");
        Hold dns = readiness.hold("dns proxy");
        assertThat(readiness.body()).isEqualTo("not ready, pending: dns proxy, state manager\n");
        state.close();
        state.close();
        dns.close();
        assertThat(readiness.isReady()).isTrue();
        try (Hold _ = readiness.hold("workload proxy manager")) {
            assertThat(readiness.body()).contains("workload proxy manager");
        }
        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void aDrainEndsWhenStartedAndNothingHoldsIt() {
        Drain drain = new Drain(Duration.ofSeconds(5));
        Hold hold = drain.hold("inbound");
        List<Drain.Mode> told = new ArrayList<>();
        drain.onStart(told::add);
        assertThat(drain.start(Drain.Mode.GRACEFUL)).isTrue();
        assertThat(drain.start(Drain.Mode.GRACEFUL)).isFalse();
        assertThat(drain.done()).isNotDone();
        assertThat(drain.held()).isEqualTo("inbound");
        assertThat(drain.start(Drain.Mode.IMMEDIATE)).isTrue();
        hold.close();
        assertThat(drain.done()).isCompleted();
        assertThat(told).containsExactly(Drain.Mode.GRACEFUL, Drain.Mode.IMMEDIATE);
    }

    @Test
    void aPartMayDrainAloneAndHoldsTheWholeUntilItHas() {
        Drain process = new Drain(Duration.ofSeconds(5));
        Drain pod = process.child("pod");
        Hold connection = pod.hold("connection");
        process.start(Drain.Mode.GRACEFUL);
        assertThat(pod.mode()).isEqualTo(Drain.Mode.GRACEFUL);
        assertThat(process.done()).isNotDone();
        connection.close();
        assertThat(process.done()).isCompleted();
    }
}
