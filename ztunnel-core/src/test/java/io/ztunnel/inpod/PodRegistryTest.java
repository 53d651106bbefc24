package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.inpod.PodAction.Await;
import io.ztunnel.inpod.PodAction.Refuse;
import io.ztunnel.inpod.PodAction.Replace;
import io.ztunnel.inpod.PodAction.ReportUnknown;
import io.ztunnel.inpod.PodAction.Retry;
import io.ztunnel.inpod.PodAction.RetryLater;
import io.ztunnel.inpod.PodAction.Start;
import io.ztunnel.inpod.PodAction.Stop;
import io.ztunnel.inpod.PodAction.Violation;
import io.ztunnel.net.NetnsId;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.junit.jupiter.api.Test;

import java.util.List;

/// The table of docs/spec/inpod-and-deployment.md 1.8, row by row.
class PodRegistryTest {
    private static final PodUid UID = new PodUid("uid0");
    private static final PodUid OTHER = new PodUid("uid1");
    private static final PodInfo INFO = new PodInfo("name", "ns", "sa");
    private static final NetnsId NS1 = new NetnsId(4, 1);
    private static final NetnsId NS2 = new NetnsId(4, 2);

    private final PodRegistry registry = new PodRegistry();

    @Test
    void addWithoutInfoIsAViolationAndHasNoEffect() {
        assertThat(registry.on(new ZdsMessage.Add(UID, null, NS1)))
                .singleElement()
                .isInstanceOf(Violation.class);
        assertThat(registry.on(new ZdsMessage.AddUnusable(UID, null, "no namespace")))
                .singleElement()
                .isInstanceOf(Violation.class);
        assertThat(registry.pending()).isZero();
    }

    @Test
    void addBeforeTheSnapshotIsNamedBeforeAnythingCanFail() {
        running(UID, NS1);
        registry.connected();

        List<PodAction> refused = registry.on(new ZdsMessage.AddUnusable(UID, INFO, "bad"));

        assertThat(refused).containsExactly(new Refuse(UID, "bad"));
        assertThat(snapshotSent()).as("named, so it runs on").isEmpty();
        assertThat(registry.running()).isOne();
    }

    @Test
    void addWithAnUnusableNamespaceStoresNothing() {
        registry.on(new ZdsMessage.AddUnusable(UID, INFO, "bad"));

        assertThat(registry.pending()).isZero();
        assertThat(snapshotSent()).isEmpty();
    }

    @Test
    void addOfARunningPodInTheSameNamespaceDoesNothing() {
        running(UID, NS1);

        assertThat(add(UID, NS1)).isEmpty();
    }

    @Test
    void addOfARunningPodUnderAnotherNameStartsItAnew() {
        running(UID, NS1);
        PodInfo renamed = new PodInfo("name", "ns", "other-account");

        assertThat(registry.on(new ZdsMessage.Add(UID, renamed, NS1)))
                .as("its certificate would be that of somebody else")
                .containsExactly(new Replace(1, new Start(2, UID, renamed, NS1)));
    }

    @Test
    void aRequestOfAKindWeDoNotKnowIsNoViolation() {
        assertThat(registry.on(new ZdsMessage.Unknown(6)))
                .containsExactly(new PodAction.NotUnderstood("unknown request 6"));
    }

    @Test
    void addOfARunningPodInAnotherNamespaceReplacesIt() {
        running(UID, NS1);

        assertThat(add(UID, NS2)).containsExactly(new Replace(1, new Start(2, UID, INFO, NS2)));
        assertThat(registry.running()).isZero();
        assertThat(registry.pending()).isOne();
    }

    @Test
    void addOfAnUnknownPodStartsIt() {
        assertThat(add(UID, NS1)).containsExactly(new Start(1, UID, INFO, NS1));
        assertThat(registry.pending()).isOne();

        assertThat(registry.started(UID, 1)).isEmpty();
        assertThat(registry.running()).isOne();
        assertThat(registry.pending()).isZero();
    }

    @Test
    void addThatFailsIsTriedAgainLater() {
        add(UID, NS1);

        assertThat(registry.failed(UID, 1)).containsExactly(new RetryLater(1));
        assertThat(registry.pending()).isOne();
        assertThat(registry.retryDue(UID, 1)).containsExactly(new Retry(1, UID, INFO));
        assertThat(registry.failed(UID, 1)).containsExactly(new RetryLater(1));
    }

    @Test
    void addOfAPodThatIsStillStartingWaitsForThatAttempt() {
        add(UID, NS1);

        assertThat(add(UID, NS1)).containsExactly(new Await(1));
    }

    @Test
    void addOfAPendingPodReplacesTheOlderEntryAtOnce() {
        add(UID, NS1);
        registry.failed(UID, 1);

        assertThat(add(UID, NS1)).containsExactly(new Replace(1, new Start(2, UID, INFO, NS1)));
        assertThat(registry.retryDue(UID, 1)).isEmpty();
    }

    @Test
    void addOfAStartingPodInAnotherNamespaceLetsGoOfTheAttempt() {
        add(UID, NS1);

        assertThat(add(UID, NS2)).containsExactly(new Replace(1, new Start(2, UID, INFO, NS2)));
        assertThat(registry.started(UID, 1)).containsExactly(new Stop(1, UID));
        assertThat(registry.failed(UID, 1)).isEmpty();
        assertThat(registry.started(UID, 2)).isEmpty();
        assertThat(registry.running()).isOne();
    }

    @Test
    void keepBeforeTheSnapshotLetsTheRunningPodBe() {
        running(UID, NS1);
        registry.connected();

        assertThat(registry.on(new ZdsMessage.Keep(UID))).isEmpty();
        assertThat(snapshotSent()).isEmpty();
        assertThat(registry.running()).isOne();
    }

    @Test
    void keepOfAnUnknownPodIsFineAndReported() {
        assertThat(registry.on(new ZdsMessage.Keep(UID))).containsExactly(new ReportUnknown(UID));
        assertThat(snapshotSent()).isEmpty();
    }

    @Test
    void keepAfterTheSnapshotIsAViolation() {
        running(UID, NS1);
        snapshotSent();

        assertThat(registry.on(new ZdsMessage.Keep(UID)))
                .singleElement()
                .isInstanceOf(Violation.class);
        assertThat(registry.running()).isOne();
    }

    @Test
    void deleteBeforeTheSnapshotLeavesARunningPodForItsEnd() {
        running(UID, NS1);
        registry.connected();
        add(UID, NS1);

        assertThat(registry.on(new ZdsMessage.Delete(UID))).isEmpty();
        assertThat(registry.running()).isOne();
        assertThat(snapshotSent()).containsExactly(new Stop(1, UID));
    }

    @Test
    void deleteBeforeTheSnapshotRemovesAPendingPod() {
        add(UID, NS1);
        registry.failed(UID, 1);

        assertThat(registry.on(new ZdsMessage.Delete(UID))).containsExactly(new Stop(1, UID));
        assertThat(registry.pending()).isZero();
        assertThat(registry.retryDue(UID, 1)).isEmpty();
    }

    @Test
    void deleteAfterTheSnapshotStopsARunningPod() {
        running(UID, NS1);
        snapshotSent();

        assertThat(registry.on(new ZdsMessage.Delete(UID))).containsExactly(new Stop(1, UID));
        assertThat(registry.running()).isZero();
    }

    @Test
    void deleteAfterTheSnapshotRemovesAPendingPod() {
        snapshotSent();
        add(UID, NS1);
        registry.failed(UID, 1);

        assertThat(registry.on(new ZdsMessage.Delete(UID))).containsExactly(new Stop(1, UID));
        assertThat(registry.pending()).isZero();
    }

    @Test
    void deleteOfAnUnknownPodDoesNothing() {
        assertThat(registry.on(new ZdsMessage.Delete(UID))).isEmpty();
        snapshotSent();
        assertThat(registry.on(new ZdsMessage.Delete(UID))).isEmpty();
    }

    @Test
    void deleteOfAStartingPodStopsItWhenItComesUp() {
        snapshotSent();
        add(UID, NS1);

        assertThat(registry.on(new ZdsMessage.Delete(UID))).containsExactly(new Stop(1, UID));
        assertThat(registry.started(UID, 1)).containsExactly(new Stop(1, UID));
        assertThat(registry.running()).isZero();
    }

    @Test
    void theSnapshotStopsPodsThatWereNotNamed() {
        running(UID, NS1);
        running(OTHER, NS2);
        registry.connected();
        add(OTHER, NS2);

        assertThat(registry.snapshotReceived()).isFalse();
        assertThat(snapshotSent()).containsExactly(new Stop(1, UID));
        assertThat(registry.snapshotReceived()).isTrue();
        assertThat(registry.running()).isOne();
    }

    @Test
    void aSecondSnapshotOnTheSameConnectionIsAViolation() {
        running(UID, NS1);
        snapshotSent();

        assertThat(snapshotSent()).singleElement().isInstanceOf(Violation.class);
        assertThat(registry.running()).isOne();

        registry.connected();
        registry.on(new ZdsMessage.Keep(UID));
        assertThat(snapshotSent()).as("a new connection").isEmpty();
    }

    @Test
    void aPendingPodSurvivesTheReconnectOfAnAgentThatLostItsNamespace() {
        add(UID, NS1);
        registry.failed(UID, 1);
        add(OTHER, NS2);
        registry.failed(OTHER, 2);

        registry.connected();
        registry.on(new ZdsMessage.Keep(UID));

        assertThat(snapshotSent()).as("gone meanwhile").containsExactly(new Stop(2, OTHER));
        assertThat(registry.retryDue(UID, 1)).containsExactly(new Retry(1, UID, INFO));
    }

    // What the reference's own unit tests ask, docs/spec/inpod-and-deployment.md 1.9.

    @Test
    void workload_added_while_pending() {
        add(UID, NS1);
        registry.failed(UID, 1);
        add(UID, NS2);
        registry.started(UID, 2);

        assertThat(registry.retryDue(UID, 1)).as("must not bring NS1 back").isEmpty();
        assertThat(registry.running()).isOne();
        assertThat(registry.pending()).isZero();
    }

    @Test
    void del_workload_before_snapshot_removes_from_snapshot_and_pending() {
        running(UID, NS1);
        registry.connected();
        add(UID, NS1);
        add(OTHER, NS2);
        registry.failed(OTHER, 2);

        registry.on(new ZdsMessage.Delete(OTHER));
        registry.on(new ZdsMessage.Delete(UID));

        assertThat(registry.pending()).isZero();
        assertThat(snapshotSent()).containsExactly(new Stop(1, UID));
    }

    @Test
    void add_delete_add_workload_starts_only_one_proxy() {
        snapshotSent();
        running(UID, NS1);
        registry.on(new ZdsMessage.Delete(UID));

        assertThat(add(UID, NS1)).containsExactly(new Start(2, UID, INFO, NS1));
        registry.started(UID, 2);
        assertThat(registry.running()).isOne();
    }

    @Test
    void add_with_different_netns_keeps_latest_proxy() {
        running(UID, NS1);
        add(UID, NS2);
        registry.started(UID, 2);

        assertThat(registry.running()).isOne();
        assertThat(add(UID, NS2)).isEmpty();
    }

    private List<PodAction> add(PodUid uid, NetnsId netns) {
        return registry.on(new ZdsMessage.Add(uid, INFO, netns));
    }

    private List<PodAction> snapshotSent() {
        return registry.on(new ZdsMessage.SnapshotSent());
    }

    private void running(PodUid uid, NetnsId netns) {
        Start start = (Start) add(uid, netns).getFirst();
        registry.started(uid, start.instance());
    }
}
