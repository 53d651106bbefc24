package io.ztunnel.inpod;

import io.ztunnel.net.NetnsId;
import io.ztunnel.pod.PodHost.RunningPod;
import io.ztunnel.worker.PodUid;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/// Instances that are not wanted any more and are not gone yet. No answer waits for them, the end
/// of the process does. One thread, that of `owner`.
final class StoppingPods {
    private static final Logger LOG = LoggerFactory.getLogger(StoppingPods.class);

    private record Stopping(PodInstance pod, RunningPod running, CompletableFuture<Void> end) {}

    private final Executor owner;
    private final Runnable onGone;
    private final Map<Long, Stopping> all = new LinkedHashMap<>();

    StoppingPods(Executor owner, Runnable onGone) {
        this.owner = owner;
        this.onGone = onGone;
    }

    /// How an instance ends.
    @FunctionalInterface
    interface Way {
        CompletableFuture<Void> end(RunningPod running);
    }

    void stop(PodInstance pod, RunningPod running, Way how) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        all.put(pod.number, new Stopping(pod, running, end));
        stopped(running, how)
                .whenCompleteAsync(
                        (nothing, failure) -> {
                            if (failure != null) {
                                LOG.atWarn()
                                        .addKeyValue("uid", pod.uid)
                                        .setCause(failure)
                                        .log("pod did not stop cleanly");
                            }
                            all.remove(pod.number);
                            end.complete(null);
                            onGone.run();
                        },
                        owner);
    }

    /// Those that are still here get less time.
    void hurry(Duration within) {
        for (Stopping each : List.copyOf(all.values())) {
            stopped(each.running(), running -> running.stop(within));
        }
    }

    /// The same for this pod in this namespace, because it comes back.
    void hurry(PodUid uid, NetnsId netns) {
        for (Stopping each : List.copyOf(all.values())) {
            if (each.pod().uid.equals(uid) && each.pod().netns.equals(netns)) {
                stopped(each.running(), running -> running.stop(Duration.ZERO));
            }
        }
    }

    /// The end of the instance of this pod in this namespace, if one is stopping.
    Optional<CompletableFuture<Void>> in(PodUid uid, NetnsId netns) {
        return all.values().stream()
                .filter(each -> each.pod().uid.equals(uid) && each.pod().netns.equals(netns))
                .map(Stopping::end)
                .reduce((first, last) -> last);
    }

    List<PodInstance> pods() {
        return all.values().stream().map(Stopping::pod).toList();
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    private static CompletableFuture<Void> stopped(RunningPod running, Way how) {
        try {
            return how.end(running);
        } catch (RuntimeException failed) {
            return CompletableFuture.failedFuture(failed);
        }
    }
}
