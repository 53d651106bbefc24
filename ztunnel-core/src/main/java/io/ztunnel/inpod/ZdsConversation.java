package io.ztunnel.inpod;

import io.ztunnel.inpod.ConversationRecord.End;
import io.ztunnel.lifecycle.Drain;
import io.ztunnel.lifecycle.Hold;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.net.linux.SeqPacketSocket;
import io.ztunnel.net.linux.SystemCallException;
import io.ztunnel.net.linux.WakeUp;
import io.ztunnel.observe.NodeAgentFacts;
import io.ztunnel.pod.PodHost;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/// Talks with the node agent for as long as the process lives: connects, says hello, and answers
/// one message after the other.
///
/// ```
///  connect ──► hello ──► read ──► registry ──► listeners bound ──► answer ─┐
///     ▲                   ▲                                                │
///     │ pause             └────────────────────────────────────────────────┘
///     └── end of file, broken packet, broken protocol, failed answer
/// ```
///
/// Pods do not notice any of this: they run on while there is no conversation, and nothing the
/// agent says can end the process. Owns the thread `zt-inpod`, on which all of this package lives.
/// docs/spec/inpod-and-deployment.md 1.3 to 1.7.
public final class ZdsConversation {
    private static final Logger LOG = LoggerFactory.getLogger(ZdsConversation.class);

    /// How much longer than their deadline pods may take to end before we go without them.
    private static final Duration LATE_PODS = Duration.ofSeconds(5);

    private final InpodSettings settings;
    private final Drain drain;
    private final WakeUp wakeUp;
    private final Queue<Runnable> mailbox = new ConcurrentLinkedQueue<>();
    private final PodSupervisor supervisor;
    private final Backoff backoff;
    private final ConversationRecord record = new ConversationRecord();
    private final CompletableFuture<Void> end = new CompletableFuture<>();

    private ZdsConversation(
            InpodSettings settings, PodHost host, Readiness readiness, Drain drain, WakeUp wakeUp) {
        this.settings = settings;
        this.drain = drain;
        this.wakeUp = wakeUp;
        this.supervisor =
                new PodSupervisor(host, settings, readiness, this::onOwnThread, System::nanoTime);
        this.backoff = new Backoff(settings.firstReconnect(), settings.slowestReconnect());
    }

    /// Starts the conversation. Only then: when the first state of the control plane is complete,
    /// for from the first connection on the agent sends new pods to us and no longer to our
    /// predecessor.
    ///
    /// The readiness task `workload proxy manager` is held from here on; a task that must be
    /// pending earlier is the caller's to hold.
    ///
    /// @param drain ends the conversation at once and all pods within the drain's deadline; held
    ///     until they are gone
    /// @throws IOException when no descriptor is left
    public static ZdsConversation start(
            InpodSettings settings, PodHost host, Readiness readiness, Drain drain)
            throws IOException {
        ZdsConversation conversation =
                new ZdsConversation(settings, host, readiness, drain, WakeUp.open());
        Hold hold = drain.hold("pods");
        Thread.ofPlatform().name("zt-inpod").daemon().start(() -> conversation.untilDrained(hold));
        return conversation;
    }

    /// The pods as they stand. Any thread.
    public PodReport report() {
        return supervisor.report();
    }

    /// How it stands with the agent, and what came of its pods. Any thread.
    public NodeAgentFacts facts() {
        ConversationRecord.Numbers talk = record.newest();
        PodReport pods = supervisor.report();
        return new NodeAgentFacts(
                talk.connected(),
                talk.conversations(),
                talk.ends(),
                talk.refusals(),
                talk.answers(),
                pods.counts().failedAttempts(),
                pods.counts().refused(),
                pods.counts().refusedPorts(),
                pods.keptUnknown().size());
    }

    /// Completes after a drain, when the last pod is gone.
    public CompletableFuture<Void> end() {
        return end.copy();
    }

    private void untilDrained(Hold hold) {
        try (wakeUp;
                hold;
                Drain.Registration _ = drain.onStart(mode -> wakeUp.signal())) {
            while (!drain.hasStarted()) {
                converseOnce();
                supervisor.disconnected();
                pause(backoff.next());
            }
            endPods();
        } finally {
            end.complete(null);
        }
    }

    private void converseOnce() {
        End end = End.UNREACHABLE;
        try (SeqPacketSocket socket =
                SeqPacketSocket.connect(settings.socket(), ZdsCodec.MAX_PACKET_BYTES)) {
            trust(socket);
            end = End.FAILED;
            supervisor.connected();
            socket.send(ZdsCodec.hello());
            record.began();
            LOG.atInfo().addKeyValue("socket", settings.socket()).log("connected");
            converse(socket);
            end = drain.hasStarted() ? End.DRAIN : End.PROTOCOL;
        } catch (EOFException closed) {
            end = End.CLOSED;
            LOG.info("the node agent closed the connection");
        } catch (IOException failed) {
            LOG.atWarn()
                    .addKeyValue("socket", settings.socket())
                    .addKeyValue("reason", failed.getMessage())
                    .log("no conversation with the node agent");
        } catch (RuntimeException mistake) {
            // A mistake of ours. Without this thread the node would get no pods any more, so it has
            // to go on.
            LOG.error("the conversation with the node agent failed", mistake);
        } finally {
            record.ended(end);
        }
    }

    /// Whoever hands over namespaces decides where we listen, so it must be root or run as we do.
    private static void trust(SeqPacketSocket socket) throws IOException {
        int agent = socket.peerUser();
        if (agent != 0 && agent != socket.ownUser()) {
            throw new IOException("whoever listens there runs as user " + agent + ", not as root");
        }
    }

    /// Until the drain starts, or the agent says what it must not.
    private void converse(SeqPacketSocket socket) throws IOException {
        ZdsReader reader = new ZdsReader(socket);
        while (true) {
            boolean readable = await(socket, null);
            if (drain.hasStarted()) {
                return;
            }
            if (!readable) {
                continue;
            }
            long since = System.nanoTime();
            Answer answer;
            try {
                ZdsReader.Received received = reader.next();
                if (received == null) {
                    continue;
                }
                answer = awaited(supervisor.on(received.message(), received.netns()));
            } catch (MalformedPacketException malformed) {
                answer =
                        new Answer.Unreadable(
                                String.valueOf(malformed.getMessage()), malformed.isCut());
            }
            if (answer == null) {
                return;
            }
            socket.send(answer.encoded());
            record.answered(answer, System.nanoTime() - since);
            if (endsTheConversation(answer)) {
                return;
            }
            if (supervisor.snapshotReceived()) {
                backoff.startOver();
            }
        }
    }

    private boolean endsTheConversation(Answer answer) {
        String detail =
                switch (answer) {
                    case Answer.Violation(String why) -> why;
                    case Answer.Unreadable(String why, boolean _) -> why;
                    case Answer.Done _,
                            Answer.NotStarted _,
                            Answer.Late _,
                            Answer.NotUnderstood _ ->
                            null;
                };
        if (detail != null) {
            LOG.atWarn()
                    .addKeyValue("socket", settings.socket())
                    .addKeyValue("reason", detail)
                    .log("the node agent broke the protocol");
        }
        return detail != null;
    }

    /// The answer, or that of impatience; null when the process is ending.
    private @Nullable Answer awaited(CompletableFuture<Answer> answer) throws SystemCallException {
        long latest = System.nanoTime() + settings.answerWithin().toNanos();
        while (!answer.isDone()) {
            long left = latest - System.nanoTime();
            if (left <= 0) {
                return new Answer.Late(
                        "listeners not bound within "
                                + settings.answerWithin().toMillis()
                                + " ms, still trying");
            }
            await(null, Duration.ofNanos(left));
            if (drain.hasStarted()) {
                return null;
            }
        }
        return answer.join();
    }

    private void pause(Duration length) {
        long until = System.nanoTime() + length.toNanos();
        while (!drain.hasStarted()) {
            long left = until - System.nanoTime();
            if (left <= 0) {
                return;
            }
            try {
                await(null, Duration.ofNanos(left));
            } catch (SystemCallException failed) {
                // The kernel has no memory for a wait; do it without its help, and deaf.
                LOG.warn("cannot wait", failed);
                LockSupport.parkNanos(left);
            }
        }
    }

    private void endPods() {
        boolean atOnce = drain.mode() == Drain.Mode.IMMEDIATE;
        long latest = System.nanoTime() + drain.deadline().plus(LATE_PODS).toNanos();
        Duration within = atOnce ? Duration.ZERO : drain.deadline();
        guarded(() -> supervisor.drain(within));
        while (!supervisor.isIdle()) {
            long left = latest - System.nanoTime();
            if (left <= 0) {
                LOG.warn("pods did not end in time, going without them");
                return;
            }
            try {
                await(null, Duration.ofNanos(left));
            } catch (SystemCallException failed) {
                LOG.warn("cannot wait for the end of pods", failed);
                return;
            }
            if (!atOnce && drain.mode() == Drain.Mode.IMMEDIATE) {
                atOnce = true;
                guarded(() -> supervisor.drain(Duration.ZERO));
            }
        }
    }

    /// Waits until there is something to do, and does what is not reading.
    ///
    /// @param socket to be watched, or null
    /// @param atMost null for as long as it takes
    /// @return whether there is something to read
    private boolean await(@Nullable SeqPacketSocket socket, @Nullable Duration atMost)
            throws SystemCallException {
        Duration due = supervisor.untilDue();
        int millis = Math.min(millis(due), millis(atMost));
        boolean readable = false;
        if (socket == null) {
            wakeUp.await(millis);
        } else {
            readable = wakeUp.await(socket, millis);
        }
        for (Runnable task = mailbox.poll(); task != null; task = mailbox.poll()) {
            guarded(task);
        }
        guarded(supervisor::onTime);
        return readable;
    }

    private void onOwnThread(Runnable task) {
        mailbox.add(task);
        wakeUp.signal();
    }

    /// One mistake must not keep the rest from being done.
    private static void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException mistake) {
            LOG.error("a pod's event could not be handled", mistake);
        }
    }

    /// Rounded up, so that nothing is woken a moment too early again and again.
    private static int millis(@Nullable Duration duration) {
        return duration == null
                ? Integer.MAX_VALUE
                : (int) Math.min(Integer.MAX_VALUE, duration.toNanos() / 1_000_000 + 1);
    }
}
