package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.inpod.ScriptedHost.Attempt;
import io.ztunnel.inpod.ScriptedHost.Mood;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.net.Netns;
import io.ztunnel.net.NetnsId;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/// Where we do better than docs/spec/inpod-and-deployment.md 1.8 asks for: when pods are tried
/// again, when they leave, and when the agent changes its mind; with time by hand.
class PodTroubleTest {
    private static final PodUid UID = new PodUid("uid1");
    private static final PodUid OTHER = new PodUid("uid2");
    private static final PodInfo INFO = new PodInfo("name", "ns", "sa");
    private static final NetnsId NS1 = new NetnsId(4, 1);
    private static final NetnsId NS2 = new NetnsId(4, 2);
    private static final Duration GRACE = Duration.ofSeconds(1);

    private final ScriptedHost host = new ScriptedHost();
    private final Readiness readiness = new Readiness();
    private final Queue<Runnable> mailbox = new ArrayDeque<>();
    private long now;
    private final PodSupervisor supervisor =
            new PodSupervisor(
                    host,
                    InpodSettings.at(Path.of("unused"), GRACE),
                    readiness,
                    mailbox::add,
                    () -> now);

    @BeforeEach
    void connect() {
        // Opens our own namespace for good.
        Netns.own();
        supervisor.connected();
    }

    @AfterEach
    void end() {
        supervisor.drain(Duration.ZERO);
        settle();
        host.attempts().forEach(Attempt::gone);
        settle();
        assertThat(supervisor.isIdle()).isTrue();
    }

    /// In seconds since the first failure, as the clock of the test goes in tenths.
    private List<Double> retriesWithin(Duration time) {
        List<Double> at = new ArrayList<>();
        int known = host.attempts().size();
        for (long tenth = 1; tenth <= time.toMillis() / 100; tenth++) {
            now += 100_000_000;
            supervisor.onTime();
            settle();
            if (host.attempts().size() > known) {
                known = host.attempts().size();
                at.add(tenth / 10.0);
            }
        }
        return at;
    }

    @Test
    void weakness4_attemptsForAPodBecomeRarerUpToALimit() throws IOException {
        host.will(Mood.FAIL);
        add(UID, NS1);

        assertThat(retriesWithin(Duration.ofSeconds(62)))
                .containsExactly(0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5, 60.5);
        assertThat(supervisor.report().pods().getFirst().failedAttempts()).isEqualTo(9);
    }

    @Test
    void weakness4_eachPodHasItsOwnSeries() throws IOException {
        host.will(Mood.FAIL);
        add(UID, NS1);
        retriesWithin(Duration.ofSeconds(10));
        add(OTHER, NS2);

        assertThat(retriesWithin(Duration.ofSeconds(1))).contains(0.5);
        assertThat(host.last().uid).isEqualTo(OTHER);
    }

    @Test
    void weakness4_attemptsGoOnWithoutTheAgentAndAfterItComesBackWithoutANamespace()
            throws IOException {
        host.will(Mood.FAIL);
        add(UID, NS1);
        supervisor.disconnected();
        assertThat(retriesWithin(Duration.ofSeconds(2))).containsExactly(0.5, 1.5);

        supervisor.connected();
        tell(new ZdsMessage.Keep(UID));
        tell(new ZdsMessage.SnapshotSent());
        host.will(Mood.BIND);

        assertThat(retriesWithin(Duration.ofSeconds(2))).containsExactly(1.5);
        assertThat(supervisor.report().counts().active()).isOne();
        assertThat(supervisor.report().keptUnknown()).isEmpty();
    }

    @Test
    void weakness8_aRenamedPodIsCutOffAtOnceAndStartedUnderItsNewName() throws IOException {
        add(UID, NS1);
        Attempt before = host.last();
        PodInfo renamed = new PodInfo("name", "ns", "another");

        assertThat(answer(new ZdsMessage.Add(UID, renamed, NS1), ns()))
                .isEqualTo(new Answer.Done());

        assertThat(before.stops).containsOnly(Duration.ZERO);
        assertThat(host.last().info).isEqualTo(renamed);
        assertThat(supervisor.report().pods().getFirst().info()).isEqualTo(renamed);
    }

    @Test
    void weakness9_aPodThatIsKeptWithoutAProxyIsToldOfUntilItComesOrGoes() throws IOException {
        tell(new ZdsMessage.Keep(UID));
        tell(new ZdsMessage.Keep(OTHER));
        tell(new ZdsMessage.SnapshotSent());
        assertThat(supervisor.report().keptUnknown()).containsExactly(UID, OTHER);

        add(UID, NS1);
        assertThat(supervisor.report().keptUnknown()).containsExactly(OTHER);
        tell(new ZdsMessage.Delete(OTHER));
        assertThat(supervisor.report().keptUnknown()).isEmpty();
    }

    @Test
    void weakness10_aDeletedPodMayEndItsConnectionsWithoutDelayingTheAnswer() throws IOException {
        host.stopsAtOnce = false;
        add(UID, NS1);
        tell(new ZdsMessage.SnapshotSent());

        tell(new ZdsMessage.Delete(UID));

        assertThat(host.last().stops).containsExactly(GRACE);
        assertThat(supervisor.report().counts().stopped()).isOne();
    }

    @Test
    void weakness10_aPodThatComesBackInItsNamespaceDoesNotWaitForTheGrace() throws IOException {
        host.stopsAtOnce = false;
        host.zeroStopsAtOnce = true;
        add(UID, NS1);
        Attempt before = host.last();
        tell(new ZdsMessage.SnapshotSent());
        tell(new ZdsMessage.Delete(UID));

        assertThat(add(UID, NS1)).isEqualTo(new Answer.Done());

        assertThat(before.stops).containsExactly(GRACE, Duration.ZERO);
    }

    private Answer add(PodUid uid, NetnsId netns) throws IOException {
        return answer(new ZdsMessage.Add(uid, INFO, netns), ns());
    }

    private void tell(ZdsMessage message) {
        assertThat(answer(message, null)).isEqualTo(new Answer.Done());
    }

    private Answer answer(ZdsMessage message, PodNamespace netns) {
        var answer = supervisor.on(message, netns);
        settle();
        assertThat(answer).isDone();
        return answer.join();
    }

    private static PodNamespace ns() throws IOException {
        return PodNamespace.of(LibC.open("/proc/self/ns/net"));
    }

    private void settle() {
        for (Runnable task = mailbox.poll(); task != null; task = mailbox.poll()) {
            task.run();
        }
    }
}
