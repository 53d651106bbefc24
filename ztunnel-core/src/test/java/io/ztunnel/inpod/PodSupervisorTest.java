package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.inpod.ScriptedHost.Attempt;
import io.ztunnel.inpod.ScriptedHost.Mood;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.net.Netns;
import io.ztunnel.net.NetnsId;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.testkit.OpenFiles;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/// Rows of docs/spec/inpod-and-deployment.md 1.8 and 1.9 that need a host, with time by hand.
class PodSupervisorTest {
    private static final PodUid UID = new PodUid("uid1");
    private static final PodUid OTHER = new PodUid("uid2");
    private static final PodInfo INFO = new PodInfo("name", "ns", "sa");
    private static final NetnsId NS1 = new NetnsId(4, 1);
    private static final NetnsId NS2 = new NetnsId(4, 2);
    private static final Duration RETRY = Duration.ofSeconds(5);

    private static final Duration GRACE = Duration.ofSeconds(1);
    private static final InpodSettings SETTINGS = InpodSettings.at(Path.of("unused"), GRACE);

    static {
        // Opens our own namespace for good, which would show as a leak of the first test.
        Netns.own();
    }

    private final long namespacesBefore = OpenFiles.count("net:");
    private final ScriptedHost host = new ScriptedHost();
    private final Readiness readiness = new Readiness();
    private final Queue<Runnable> mailbox = new ArrayDeque<>();
    private long now = Long.MAX_VALUE - 1_000;
    private final PodSupervisor supervisor =
            new PodSupervisor(host, SETTINGS, readiness, mailbox::add, () -> now);

    @BeforeEach
    void connect() {
        supervisor.connected();
    }

    @AfterEach
    void noNamespaceStaysOpen() {
        supervisor.drain(Duration.ZERO);
        settle();
        for (Attempt each : host.attempts()) {
            if (!each.start.isDone()) {
                each.fail("the test is over");
            }
            each.gone();
        }
        settle();
        assertThat(supervisor.isIdle()).isTrue();
        assertThat(OpenFiles.count("net:")).isEqualTo(namespacesBefore);
    }

    @Test
    void add_workload_starts_a_proxy() throws IOException {
        assertThat(add(UID, NS1)).isEqualTo(new Answer.Done());

        assertThat(host.last().uid).isEqualTo(UID);
        assertThat(host.last().info).isEqualTo(INFO);
        assertCounts(1, 0, 1, 0);
    }

    @Test
    void idemepotency_add_workload_starts_only_one_proxy() throws IOException {
        add(UID, NS1);
        assertThat(add(UID, NS1)).isEqualTo(new Answer.Done());

        assertCounts(1, 0, 1, 0);
        assertThat(host.attempts()).hasSize(1);
    }

    @Test
    void idemepotency_add_workload_fails() throws IOException {
        host.will(Mood.FAIL);
        assertThat(add(UID, NS1)).isEqualTo(new Answer.NotStarted("port 15008 is taken"));
        assertCounts(0, 1, 0, 0);

        host.will(Mood.BIND);
        later(RETRY);

        assertCounts(1, 0, 1, 0);
        later(RETRY.multipliedBy(3));
        assertCounts(1, 0, 1, 0);
    }

    @Test
    void workload_added_while_pending() throws IOException {
        host.willOnce(Mood.FAIL);
        add(UID, NS1);
        assertThat(add(UID, NS2)).isEqualTo(new Answer.Done());

        later(RETRY.multipliedBy(2));

        assertCounts(1, 0, 1, 0);
        assertThat(host.attempts()).hasSize(2);
    }

    @Test
    void idempotency_add_workload_fails_and_then_deleted() throws IOException {
        snapshotSent();
        host.will(Mood.FAIL);
        add(UID, NS1);

        tell(new ZdsMessage.Delete(UID));
        later(RETRY.multipliedBy(2));

        assertCounts(0, 0, 0, 0);
        assertThat(host.attempts()).hasSize(1);
        assertThat(supervisor.report().pods()).isEmpty();
    }

    @Test
    void del_workload_before_snapshot_removes_from_snapshot_and_pending() throws IOException {
        host.will(Mood.FAIL);
        add(UID, NS1);
        tell(new ZdsMessage.Delete(UID));
        snapshotSent();

        assertCounts(0, 0, 0, 0);
        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void add_delete_add_workload_starts_only_one_proxy() throws IOException {
        snapshotSent();
        add(UID, NS1);
        tell(new ZdsMessage.Delete(UID));
        assertThat(add(UID, NS1)).isEqualTo(new Answer.Done());

        assertCounts(1, 0, 2, 1);
    }

    @Test
    void aPodAddedAgainInItsNamespaceWaitsUntilItsPortsAreFree() throws IOException {
        host.stopsAtOnce = false;
        snapshotSent();
        add(UID, NS1);
        Attempt first = host.last();
        tell(new ZdsMessage.Delete(UID));

        CompletableFuture<Answer> answer = supervisor.on(new ZdsMessage.Add(UID, INFO, NS1), ns());
        settle();
        assertThat(host.attempts()).hasSize(1);
        first.gone();
        settle();

        assertThat(answer).isCompletedWithValue(new Answer.Done());
        assertThat(host.attempts()).hasSize(2);
    }

    @Test
    void proxy_added_then_kept_with_new_snapshot() throws IOException {
        add(UID, NS1);
        snapshotSent();
        supervisor.disconnected();
        supervisor.connected();
        tell(new ZdsMessage.Keep(UID));
        snapshotSent();

        assertCounts(1, 0, 1, 0);
        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void add_with_different_netns_keeps_latest_proxy() throws IOException {
        host.stopsAtOnce = false;
        add(UID, NS1);
        Attempt first = host.last();

        assertThat(add(UID, NS2)).as("the old one is not waited for").isEqualTo(new Answer.Done());

        assertThat(first.stops).containsExactly(GRACE);
        assertCounts(1, 0, 2, 1);
    }

    @Test
    void no_workload_info_rejected() throws IOException {
        assertThat(answer(new ZdsMessage.Add(UID, null, NS1), ns()))
                .isInstanceOf(Answer.Violation.class);
        assertThat(host.attempts()).isEmpty();
    }

    @Test
    void test_process_add_and_del() throws IOException {
        add(UID, NS1);
        snapshotSent();
        tell(new ZdsMessage.Delete(UID));

        assertCounts(0, 0, 1, 1);
        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void test_process_snapshot_with_missing_workload() throws IOException {
        add(UID, NS1);
        add(OTHER, NS2);
        snapshotSent();
        assertCounts(2, 0, 2, 0);

        supervisor.disconnected();
        assertThat(readiness.isReady()).isFalse();
        supervisor.connected();
        add(UID, new NetnsId(4, 3));
        snapshotSent();

        assertCounts(1, 0, 3, 2);
        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void withoutAConversationNothingMakesTheNodeReady() throws IOException {
        add(UID, NS1);
        snapshotSent();
        assertThat(readiness.isReady()).isTrue();

        supervisor.disconnected();
        later(RETRY);

        assertThat(readiness.isReady()).isFalse();
    }

    @Test
    void test_process_failed() throws IOException {
        host.will(Mood.FAIL);
        assertThat(add(UID, NS1)).isInstanceOf(Answer.NotStarted.class);
        assertThat(snapshotSent()).isEqualTo(new Answer.Done());
        assertThat(readiness.body()).isEqualTo("not ready, pending: workload proxy manager\n");

        host.will(Mood.BIND);
        later(RETRY);

        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void test_proxy_state() throws IOException {
        host.will(Mood.WAIT);
        host.stopsAtOnce = false;
        snapshotSent();
        supervisor.on(new ZdsMessage.Add(UID, INFO, NS1), ns());
        assertThat(states()).containsExactly("uid1 Pending");

        host.last().bind();
        settle();
        assertThat(states()).containsExactly("uid1 Up");

        tell(new ZdsMessage.Delete(UID));
        assertThat(states()).as("until it has stopped").containsExactly("uid1 Up");
        host.last().gone();
        settle();
        assertThat(states()).isEmpty();
    }

    @Test
    void eachPodIsTriedAgainAtItsOwnTimeAndSideBySide() throws IOException {
        host.will(Mood.FAIL);
        add(UID, NS1);
        pass(Duration.ofMillis(200));
        add(OTHER, NS2);
        host.will(Mood.WAIT);

        pass(Duration.ofMillis(300));
        supervisor.onTime();
        assertThat(host.attempts()).hasSize(3);
        pass(Duration.ofMillis(200));
        supervisor.onTime();

        assertThat(host.attempts()).as("not held up by the first").hasSize(4);
        assertThat(host.last().uid).isEqualTo(OTHER);
    }

    @Test
    void theNextThingDueIsTheRetry() throws IOException {
        snapshotSent();
        assertThat(supervisor.untilDue()).isNull();

        host.will(Mood.FAIL);
        add(UID, NS1);

        assertThat(supervisor.untilDue()).isEqualTo(SETTINGS.firstRetry());
        pass(SETTINGS.firstRetry().plusMillis(1));
        assertThat(supervisor.untilDue()).isEqualTo(Duration.ZERO);
    }

    @Test
    void onePodThatCannotBeBoundDoesNotKeepTheNodeFromBeingReadyForTheRest() throws IOException {
        add(UID, NS1);
        host.will(Mood.FAIL);
        add(OTHER, NS2);
        snapshotSent();
        assertThat(readiness.isReady()).isFalse();

        later(Duration.ofSeconds(29));
        assertThat(readiness.isReady()).isFalse();
        later(Duration.ofSeconds(1));

        assertThat(readiness.isReady()).isTrue();
        assertCounts(1, 1, 1, 0);
        assertThat(supervisor.report().pods().getLast().failure()).isEqualTo("port 15008 is taken");
    }

    @Test
    void patienceDoesNotStartAnewWithEveryNamespaceOfAPodThatNeverComesUp() throws IOException {
        add(UID, NS1);
        host.will(Mood.FAIL);
        add(OTHER, NS2);
        snapshotSent();

        later(Duration.ofSeconds(20));
        add(OTHER, new NetnsId(4, 3));
        later(Duration.ofSeconds(10));

        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void aNodeWhereNoPodCouldBeBoundIsNotReady() throws IOException {
        host.will(Mood.FAIL);
        add(UID, NS1);
        add(OTHER, NS2);
        snapshotSent();

        later(Duration.ofMinutes(10));

        assertThat(readiness.isReady()).isFalse();
    }

    @Test
    void aPodThatFailsLaterDoesNotTakeReadinessAway() throws IOException {
        snapshotSent();
        host.will(Mood.FAIL);
        add(UID, NS1);
        tell(new ZdsMessage.Delete(OTHER));

        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void aPodThatComesUpAfterItWasDeletedIsStopped() throws IOException {
        host.will(Mood.WAIT);
        snapshotSent();
        supervisor.on(new ZdsMessage.Add(UID, INFO, NS1), ns());
        tell(new ZdsMessage.Delete(UID));

        host.last().bind();
        settle();

        assertThat(host.last().stops).containsExactly(Duration.ZERO);
        assertCounts(0, 0, 1, 1);
    }

    @Test
    void aSecondAddWhileStartingIsAnsweredByTheAttemptUnderWay() throws IOException {
        host.will(Mood.WAIT);
        CompletableFuture<Answer> first = supervisor.on(new ZdsMessage.Add(UID, INFO, NS1), ns());
        CompletableFuture<Answer> second = supervisor.on(new ZdsMessage.Add(UID, INFO, NS1), ns());
        assertThat(second).isNotDone();

        host.last().bind();
        settle();

        assertThat(first).isCompletedWithValue(new Answer.Done());
        assertThat(second).isCompletedWithValue(new Answer.Done());
        assertThat(host.attempts()).hasSize(1);
    }

    @Test
    void aHostThatThrowsIsAFailedStart() throws IOException {
        PodSupervisor broken =
                new PodSupervisor(
                        (uid, info, netns) -> {
                            throw new IllegalStateException("no workers");
                        },
                        SETTINGS,
                        new Readiness(),
                        Runnable::run,
                        () -> now);

        assertThat(broken.on(new ZdsMessage.Add(UID, INFO, NS1), ns()))
                .isCompletedWithValue(new Answer.NotStarted("no workers"));
        broken.drain(Duration.ZERO);
    }

    @Test
    void anUnusableNamespaceAndAnUnknownKeepAreCounted() throws IOException {
        assertThat(answer(new ZdsMessage.AddUnusable(UID, INFO, "a file"), null))
                .isEqualTo(new Answer.NotStarted("a file"));
        tell(new ZdsMessage.Keep(OTHER));
        snapshotSent();

        assertThat(supervisor.report().counts().refused()).isOne();
        assertThat(supervisor.report().keptUnknown()).containsExactly(OTHER);
        assertThat(readiness.isReady()).isTrue();
    }

    @Test
    void drainingStopsAllSideBySideAndIsNeverReadyAgain() throws IOException {
        host.stopsAtOnce = false;
        host.zeroStopsAtOnce = true;
        add(UID, NS1);
        add(OTHER, NS2);
        snapshotSent();
        Duration deadline = Duration.ofSeconds(25);

        supervisor.drain(deadline);
        settle();

        assertThat(host.attempts()).allSatisfy(each -> assertThat(each.stops).contains(deadline));
        assertThat(supervisor.isIdle()).isFalse();
        assertThat(readiness.isReady()).isFalse();

        host.attempts().getFirst().gone();
        settle();
        assertThat(supervisor.isIdle()).isFalse();
        assertThat(readiness.isReady()).isFalse();

        supervisor.drain(Duration.ZERO);
        settle();
        assertThat(supervisor.isIdle()).isTrue();
        assertThat(host.last().stops).containsExactly(deadline, Duration.ZERO);
    }

    private Answer add(PodUid uid, NetnsId netns) throws IOException {
        return answer(new ZdsMessage.Add(uid, INFO, netns), ns());
    }

    private Answer snapshotSent() {
        return answer(new ZdsMessage.SnapshotSent(), null);
    }

    private void tell(ZdsMessage message) {
        assertThat(answer(message, null)).isEqualTo(new Answer.Done());
    }

    private Answer answer(ZdsMessage message, PodNamespace netns) {
        CompletableFuture<Answer> answer = supervisor.on(message, netns);
        settle();
        assertThat(answer).isDone();
        return answer.join();
    }

    /// The rules go by the identity in the message; any namespace will do as the thing itself.
    private static PodNamespace ns() throws IOException {
        return PodNamespace.of(LibC.open("/proc/self/ns/net"));
    }

    private void settle() {
        for (Runnable task = mailbox.poll(); task != null; task = mailbox.poll()) {
            task.run();
        }
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    /// Second by second, as the conversation would.
    private void later(Duration time) {
        for (long second = 0; second < time.toSeconds(); second++) {
            pass(Duration.ofSeconds(1));
            supervisor.onTime();
            settle();
        }
    }

    private void assertCounts(int active, int pending, long started, long stopped) {
        PodReport.Counts counts = supervisor.report().counts();
        assertThat(List.of(counts.active(), counts.pending())).containsExactly(active, pending);
        assertThat(List.of(counts.started(), counts.stopped())).containsExactly(started, stopped);
    }

    private List<String> states() {
        return supervisor.report().pods().stream()
                .map(entry -> entry.uid() + " " + entry.state())
                .toList();
    }
}
