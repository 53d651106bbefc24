package io.ztunnel.worker;

import io.ztunnel.hbone.ReceiveBudget;
import io.ztunnel.observe.Observer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/// Lets things of one pod begin while its budget allows. What is refused is counted, and told once
/// in a while, because whoever floods the node must not flood the log too.
///
/// Confined to the worker's loop.
public final class Admission {
    private static final Logger LOG = LoggerFactory.getLogger(Admission.class);
    private static final long QUIET_NANOS = Duration.ofSeconds(10).toNanos();

    private final WorkerBudget.Share share;
    private final PodInfo pod;
    private final Observer observer;
    private boolean told;
    private long toldAt;
    private long untold;

    Admission(WorkerBudget.Share share, PodInfo pod, Observer observer) {
        this.share = share;
        this.pod = pod;
        this.observer = observer;
    }

    /// Takes so much of one kind for something new. Where it says no, nothing was taken.
    public boolean take(WorkerBudget.Kind kind, int amount) {
        if (!share.take(WorkerBudget.Kind.BUFFERS, 0)) {
            refuse(WorkerBudget.Kind.BUFFERS);
            return false;
        }
        if (!share.take(kind, amount)) {
            refuse(kind);
            return false;
        }
        return true;
    }

    /// Gives back what [#take] took.
    public void give(WorkerBudget.Kind kind, int amount) {
        share.give(kind, amount);
    }

    /// Where the pod's unread bytes are accounted.
    public ReceiveBudget.Share buffers() {
        return share.buffers();
    }

    void close() {
        share.close();
    }

    private void refuse(WorkerBudget.Kind kind) {
        observer.metrics().refused(kind.label());
        untold++;
        long now = observer.nanoTime();
        if (!told || now - toldAt >= QUIET_NANOS) {
            told = true;
            toldAt = now;
            LOG.atWarn()
                    .addKeyValue("pod", pod.namespace() + "/" + pod.name())
                    .addKeyValue("budget", kind.label())
                    .addKeyValue("refused", untold)
                    .log("refusing connections of a pod, its share of the node is used up");
            untold = 0;
        }
    }
}
