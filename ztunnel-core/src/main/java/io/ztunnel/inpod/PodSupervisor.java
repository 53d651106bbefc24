package io.ztunnel.inpod;

import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.net.Netns;
import io.ztunnel.pod.PodHost;
import io.ztunnel.pod.PodHost.RunningPod;
import io.ztunnel.worker.PodUid;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/// Carries out what [PodRegistry] decides: starts and stops pods, tries again, says when the node
/// is ready, and keeps count.
///
/// One thread, that of `owner`, except [#report]. Never waits: what the [PodHost] completes comes
/// back through `owner`, and time passes when [#onTime] is called.
/// docs/spec/inpod-and-deployment.md 1.5 and 1.8.
final class PodSupervisor {
    private static final Logger LOG = LoggerFactory.getLogger(PodSupervisor.class);

    private static final CompletableFuture<Answer> DONE =
            CompletableFuture.completedFuture(new Answer.Done());

    private final PodHost host;
    private final InpodSettings settings;
    private final Executor owner;
    private final LongSupplier nanoTime;
    private final NodeReadiness readiness;
    private final PodRegistry registry = new PodRegistry();

    /// Wanted instances by their number, oldest first.
    private final Map<Long, PodInstance> instances = new LinkedHashMap<>();

    private final StoppingPods stopping;
    private int attemptsUnderWay;
    private boolean conversing;
    private boolean draining;

    private final PodTally tally = new PodTally();
    private final Set<PodUid> keptUnknown = new LinkedHashSet<>();

    private volatile PodReport report = PodReport.EMPTY;

    PodSupervisor(
            PodHost host,
            InpodSettings settings,
            Readiness readiness,
            Executor owner,
            LongSupplier nanoTime) {
        this.host = host;
        this.settings = settings;
        this.owner = owner;
        this.nanoTime = nanoTime;
        this.readiness = new NodeReadiness(readiness);
        this.stopping = new StoppingPods(owner, this::publish);
    }

    /// A conversation begins: the agent will name all pods anew.
    void connected() {
        registry.connected();
        keptUnknown.clear();
        conversing = true;
    }

    /// The conversation is over. Pods go on; the node is not ready for new ones.
    void disconnected() {
        conversing = false;
        readiness.lost();
    }

    /// @param netns of an add; belongs to the supervisor from here on
    /// @return completes on the owner's thread, for an add only when all listeners are bound
    CompletableFuture<Answer> on(ZdsMessage message, @Nullable PodNamespace netns) {
        noteUid(message);
        List<PodAction> actions = registry.on(message);
        CompletableFuture<Answer> answer = DONE;
        boolean used = false;
        for (PodAction action : actions) {
            used |= action instanceof PodAction.Start || action instanceof PodAction.Replace;
            answer = perform(action, netns);
        }
        if (netns != null && !used) {
            netns.close();
        }
        changed();
        return answer;
    }

    /// Does what has become due.
    void onTime() {
        long now = nanoTime.getAsLong();
        for (PodInstance each : List.copyOf(instances.values())) {
            if (each.retryArmed && now - each.retryAt >= 0) {
                each.retryArmed = false;
                performAll(registry.retryDue(each.uid, each.number));
            }
        }
        changed();
    }

    /// How long [#onTime] need not be called if nothing else happens; null for ever.
    @Nullable Duration untilDue() {
        long now = nanoTime.getAsLong();
        long nearest = Long.MAX_VALUE;
        for (PodInstance each : instances.values()) {
            if (each.retryArmed) {
                nearest = Math.min(nearest, each.retryAt - now);
            }
            long patience = patienceEnds(each) - now;
            if (!each.isUp() && !readiness.isReady() && patience > 0) {
                nearest = Math.min(nearest, patience);
            }
        }
        return nearest == Long.MAX_VALUE ? null : Duration.ofNanos(Math.max(nearest, 0));
    }

    /// Ends all pods in parallel. Called again with a shorter time, for those that are still there.
    void drain(Duration within) {
        draining = true;
        readiness.end();
        stopping.hurry(within);
        for (PodInstance each : List.copyOf(instances.values())) {
            letGo(each.number, running -> running.handOver(within));
        }
        publish();
    }

    /// Whether nothing is left of any pod.
    boolean isIdle() {
        return instances.isEmpty() && stopping.isEmpty() && attemptsUnderWay == 0;
    }

    boolean snapshotReceived() {
        return registry.snapshotReceived();
    }

    /// Any thread.
    PodReport report() {
        return report;
    }

    private void performAll(List<PodAction> actions) {
        for (PodAction action : actions) {
            perform(action, null);
        }
    }

    private CompletableFuture<Answer> perform(PodAction action, @Nullable PodNamespace netns) {
        return switch (action) {
            case PodAction.Start start -> start(start, netns, nanoTime.getAsLong());
            case PodAction.Replace replace -> {
                PodInstance old = instances.get(replace.old());
                // Whoever never came up does not get more patience by changing the namespace.
                long since = old == null || old.isUp() ? nanoTime.getAsLong() : old.wantedSince;
                boolean elsewhere = old == null || !old.netns.equals(replace.start().netns());
                if (old != null && !elsewhere && !old.info.equals(replace.start().info())) {
                    LOG.atWarn()
                            .addKeyValue("uid", old.uid)
                            .addKeyValue("before", old.info)
                            .addKeyValue("now", replace.start().info())
                            .log("the node agent names a pod differently, starting it anew");
                }
                Duration grace = elsewhere ? settings.stopGrace() : Duration.ZERO;
                letGo(replace.old(), running -> running.stop(grace));
                yield start(replace.start(), netns, since);
            }
            case PodAction.Stop stop -> {
                letGo(stop.instance(), running -> running.stop(settings.stopGrace()));
                yield DONE;
            }
            case PodAction.Await wait -> instance(wait.instance()).attempt;
            case PodAction.RetryLater later -> {
                PodInstance instance = instance(later.instance());
                instance.retryArmed = true;
                instance.retryAt = nanoTime.getAsLong() + instance.backoff.next().toNanos();
                yield DONE;
            }
            case PodAction.Retry retry -> {
                PodInstance instance = instance(retry.instance());
                instance.attempt = new CompletableFuture<>();
                attempt(instance);
                yield instance.attempt;
            }
            case PodAction.Refuse refuse -> {
                tally.refused();
                LOG.atWarn()
                        .addKeyValue("uid", refuse.uid())
                        .addKeyValue("reason", refuse.reason())
                        .log("pod without a usable network namespace");
                yield CompletableFuture.completedFuture(new Answer.NotStarted(refuse.reason()));
            }
            case PodAction.ReportUnknown unknown -> {
                keptUnknown.add(unknown.uid());
                LOG.atWarn()
                        .addKeyValue("uid", unknown.uid())
                        .log("the node agent keeps a pod that has no proxy here");
                yield DONE;
            }
            case PodAction.NotUnderstood request -> {
                LOG.atWarn()
                        .addKeyValue("reason", request.reason())
                        .log("the node agent asks for what we do not know");
                yield CompletableFuture.completedFuture(new Answer.NotUnderstood(request.reason()));
            }
            case PodAction.Violation violation ->
                    CompletableFuture.completedFuture(new Answer.Violation(violation.reason()));
        };
    }

    private CompletableFuture<Answer> start(
            PodAction.Start start, @Nullable PodNamespace netns, long wantedSince) {
        if (netns == null) {
            throw new IllegalStateException("a start without a namespace: " + start);
        }
        PodInstance instance =
                new PodInstance(
                        start,
                        netns,
                        wantedSince,
                        new Backoff(settings.firstRetry(), settings.slowestRetry()));
        instances.put(instance.number, instance);
        attempt(instance);
        return instance.attempt;
    }

    private void attempt(PodInstance instance) {
        attemptsUnderWay++;
        // An instance in the very namespace may still have the ports; one in another is no
        // obstacle.
        stopping.hurry(instance.uid, instance.netns);
        CompletableFuture<RunningPod> pod =
                stopping.in(instance.uid, instance.netns)
                        .map(
                                earlier ->
                                        earlier.handleAsync(
                                                        (nothing, failure) -> hosted(instance),
                                                        owner)
                                                .thenCompose(future -> future))
                        .orElseGet(() -> hosted(instance));
        pod.whenCompleteAsync((running, failure) -> ended(instance, running, failure), owner);
    }

    private CompletableFuture<RunningPod> hosted(PodInstance instance) {
        Netns netns;
        try {
            netns = instance.namespace.open();
        } catch (IOException failed) {
            return CompletableFuture.failedFuture(failed);
        }
        try {
            return host.start(instance.uid, instance.info, netns);
        } catch (RuntimeException failed) {
            netns.close();
            return CompletableFuture.failedFuture(failed);
        }
    }

    private void ended(
            PodInstance instance, @Nullable RunningPod running, @Nullable Throwable failure) {
        attemptsUnderWay--;
        boolean wanted = instances.containsKey(instance.number);
        if (running == null) {
            instance.failedAttempts++;
            Throwable cause = cause(failure);
            tally.failed(cause);
            String reason = reason(cause);
            instance.failure = reason;
            if (wanted) {
                LOG.atWarn()
                        .addKeyValue("uid", instance.uid)
                        .addKeyValue("pod", instance.info.namespace() + "/" + instance.info.name())
                        .addKeyValue("reason", reason)
                        .log("pod could not be started");
                performAll(registry.failed(instance.uid, instance.number));
            }
            instance.attempt.complete(new Answer.NotStarted(reason));
        } else {
            tally.started();
            instance.running = running;
            instance.failure = null;
            instance.namespace.close();
            if (wanted) {
                performAll(registry.started(instance.uid, instance.number));
            } else {
                // Let go of while it was starting: there is nobody else who would stop it.
                stop(instance, running, pod -> pod.stop(Duration.ZERO));
            }
            instance.attempt.complete(new Answer.Done());
        }
        changed();
    }

    private void letGo(long number, StoppingPods.Way how) {
        PodInstance instance = instances.remove(number);
        if (instance == null) {
            return;
        }
        instance.retryArmed = false;
        instance.namespace.close();
        RunningPod running = instance.running;
        if (running != null) {
            stop(instance, running, how);
        }
    }

    private void stop(PodInstance instance, RunningPod running, StoppingPods.Way how) {
        tally.stopped();
        stopping.stop(instance, running, how);
    }

    private PodInstance instance(long number) {
        PodInstance instance = instances.get(number);
        if (instance == null) {
            throw new IllegalStateException("no instance " + number);
        }
        return instance;
    }

    private void changed() {
        // The registry remembers the last snapshot until the next conversation begins.
        if (conversing && !draining) {
            readiness.judge(
                    registry.snapshotReceived(),
                    (int) instances.values().stream().filter(PodInstance::isUp).count(),
                    instances.size(),
                    stillWaitedFor());
        }
        publish();
    }

    private int stillWaitedFor() {
        long now = nanoTime.getAsLong();
        int count = 0;
        for (PodInstance each : instances.values()) {
            count += !each.isUp() && patienceEnds(each) - now > 0 ? 1 : 0;
        }
        return count;
    }

    private long patienceEnds(PodInstance instance) {
        return instance.wantedSince + settings.readyWithout().toNanos();
    }

    private void publish() {
        Map<PodUid, PodReport.Entry> entries = new LinkedHashMap<>();
        for (PodInstance each : instances.values()) {
            entries.put(each.uid, each.entry());
        }
        for (PodInstance each : stopping.pods()) {
            entries.putIfAbsent(each.uid, each.entry());
        }
        report =
                new PodReport(
                        tally.counts(registry.running(), registry.pending()),
                        List.copyOf(entries.values()),
                        List.copyOf(keptUnknown));
    }

    /// Whoever is added or gone is no longer kept without a proxy.
    private void noteUid(ZdsMessage message) {
        switch (message) {
            case ZdsMessage.Add add -> keptUnknown.remove(add.uid());
            case ZdsMessage.Delete delete -> keptUnknown.remove(delete.uid());
            case ZdsMessage.AddUnusable _,
                    ZdsMessage.Keep _,
                    ZdsMessage.SnapshotSent _,
                    ZdsMessage.Unknown _ -> {}
        }
    }

    private static @Nullable Throwable cause(@Nullable Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static String reason(@Nullable Throwable cause) {
        if (cause == null) {
            return "the host gave no pod";
        }
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
