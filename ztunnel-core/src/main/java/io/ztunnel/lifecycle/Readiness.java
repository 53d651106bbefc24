package io.ztunnel.lifecycle;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.SortedMap;
import java.util.TreeMap;

/// Which tasks the readiness probe still waits for (docs/spec/config-observability-dns.md 3.1).
///
/// A task may be held again after it was released ("workload proxy manager" re-arms), and by
/// several holders at once. Any thread.
public final class Readiness {
    /// The task names that dashboards and operators know.
    public static final String STATE_MANAGER = "state manager";

    public static final String PROXY = "proxy";
    public static final String DNS_PROXY = "dns proxy";
    public static final String WORKLOAD_PROXY_MANAGER = "workload proxy manager";

    private static final Logger LOG = LoggerFactory.getLogger(Readiness.class);

    private final long startNanos = System.nanoTime();
    private final SortedMap<String, Integer> pending = new TreeMap<>();

    /// Keeps the probe red until the hold is closed.
    public synchronized Hold hold(String task) {
        pending.merge(task, 1, Integer::sum);
        return new Hold(() -> release(task));
    }

    public synchronized boolean isReady() {
        return pending.isEmpty();
    }

    /// The body of the probe's answer: `ready\n`, or `not ready, pending: a, b\n` with sorted
    /// names.
    public synchronized String body() {
        return pending.isEmpty()
                ? "ready\n"
                : "not ready, pending: " + String.join(", ", pending.keySet()) + "\n";
    }

    private void release(String task) {
        int left;
        synchronized (this) {
            pending.computeIfPresent(task, (name, holds) -> holds == 1 ? null : holds - 1);
            left = pending.size();
        }
        LOG.atInfo()
                .addKeyValue("task", task)
                .addKeyValue("after_ms", (System.nanoTime() - startNanos) / 1_000_000)
                .addKeyValue("pending", left)
                .log(left == 0 ? "ready" : "start-up task complete");
    }
}
