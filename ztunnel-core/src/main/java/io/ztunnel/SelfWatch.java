package io.ztunnel;

import io.ztunnel.lifecycle.LoopWatch;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.net.Netns;
import io.ztunnel.observe.Metrics;
import io.ztunnel.pod.NodePods;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// The process looks at itself: do the workers answer, are all threads at home, who else listens in
/// the pods? The first is asked by the thread `zt-watch`, which does nothing else, so that nothing
/// holds it up; the others by `zt-census`, because a node may have many pods with large tables.
final class SelfWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SelfWatch.class);

    /// Looks at a loop before it counts as stuck.
    private static final int PATIENCE = 5;

    private static final Duration AROUND = Duration.ofSeconds(10);

    private final ScheduledExecutorService watch = thread("zt-watch");
    private final ScheduledExecutorService census = thread("zt-census");
    private final Metrics metrics;
    private final NodePods pods;
    private final LoopWatch loops;
    private long stallsTold;
    private volatile int threadsAway;

    private SelfWatch(Metrics metrics, NodePods pods, LoopWatch loops) {
        this.metrics = metrics;
        this.pods = pods;
        this.loops = loops;
    }

    private static ScheduledExecutorService thread(String name) {
        return Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name(name).daemon().factory());
    }

    /// @param loops by the names of their threads
    /// @param stuckAfter how long one may owe an answer; zero: they are not watched
    static SelfWatch start(
            Readiness readiness,
            Metrics metrics,
            NodePods pods,
            Map<String, ? extends Executor> loops,
            Duration stuckAfter) {
        SelfWatch self = new SelfWatch(metrics, pods, new LoopWatch(readiness, loops, PATIENCE));
        if (!stuckAfter.isZero()) {
            every(self.watch, stuckAfter.dividedBy(PATIENCE), self::lookAtLoops);
        }
        every(self.census, AROUND, self::lookAround);
        return self;
    }

    private static void every(ScheduledExecutorService on, Duration interval, Runnable look) {
        on.scheduleWithFixedDelay(
                () -> {
                    try {
                        look.run();
                    } catch (RuntimeException mistake) {
                        LOG.error("could not look at ourselves", mistake);
                    }
                },
                interval.toMillis(),
                interval.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private void lookAtLoops() {
        loops.look();
        tell();
    }

    private void lookAround() {
        int away = Netns.threadsAway();
        if (away > threadsAway) {
            LOG.atError()
                    .addKeyValue("threads", away)
                    .log("threads stayed in a pod's network namespace");
        }
        threadsAway = away;
        metrics.portStrangers(pods.lookForStrangers().size());
        tell();
    }

    private synchronized void tell() {
        metrics.self(loops.stuck(), loops.stalls() - stallsTold, threadsAway);
        stallsTold = loops.stalls();
    }

    @Override
    public void close() {
        watch.shutdownNow();
        census.shutdownNow();
    }
}
