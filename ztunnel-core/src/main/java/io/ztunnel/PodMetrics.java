package io.ztunnel;

import io.ztunnel.inpod.PodReport;
import io.ztunnel.inpod.ZdsConversation;
import io.ztunnel.observe.Metrics;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Carries the numbers of the node's pods into the metrics. Confined to the thread it runs on.
final class PodMetrics {
    private final ZdsConversation agent;
    private final Metrics metrics;
    private PodReport.Counts told = PodReport.EMPTY.counts();

    PodMetrics(ZdsConversation agent, Metrics metrics) {
        this.agent = agent;
        this.metrics = metrics;
    }

    void every(ScheduledExecutorService thread, Duration interval) {
        thread.scheduleWithFixedDelay(this::tell, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void tell() {
        PodReport.Counts now = agent.report().counts();
        metrics.activePods(now.active() - told.active());
        metrics.pendingPods(now.pending() - told.pending());
        for (long at = told.started(); at < now.started(); at++) {
            metrics.podStarted();
        }
        for (long at = told.stopped(); at < now.stopped(); at++) {
            metrics.podStopped();
        }
        told = now;
        metrics.nodeAgent(agent.facts());
    }
}
