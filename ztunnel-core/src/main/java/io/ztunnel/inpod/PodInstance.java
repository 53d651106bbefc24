package io.ztunnel.inpod;

import io.ztunnel.net.NetnsId;
import io.ztunnel.pod.PodHost.RunningPod;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.CompletableFuture;

/// What [PodSupervisor] holds of one instance, and nothing else: no rules. One thread.
final class PodInstance {
    final long number;
    final PodUid uid;
    final PodInfo info;
    final NetnsId netns;

    /// When this pod was first named without coming up since, in nanoseconds of the supervisor's
    /// clock.
    final long wantedSince;

    /// For the next attempt; closed once the pod runs, or is not wanted any more.
    final PodNamespace namespace;

    /// Ends with the attempt under way, or ended with the last one.
    CompletableFuture<Answer> attempt = new CompletableFuture<>();

    @Nullable RunningPod running;
    @Nullable String failure;

    /// From one failed attempt to the next; goes on over conversations.
    final Backoff backoff;

    int failedAttempts;
    boolean retryArmed;
    long retryAt;

    PodInstance(PodAction.Start start, PodNamespace namespace, long wantedSince, Backoff backoff) {
        this.number = start.instance();
        this.uid = start.uid();
        this.info = start.info();
        this.netns = start.netns();
        this.namespace = namespace;
        this.wantedSince = wantedSince;
        this.backoff = backoff;
    }

    boolean isUp() {
        return running != null;
    }

    PodReport.Entry entry() {
        return new PodReport.Entry(
                uid,
                info,
                isUp() ? PodReport.State.UP : PodReport.State.PENDING,
                failedAttempts,
                failure);
    }
}
