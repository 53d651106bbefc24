package io.ztunnel.worker;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/// The only way into a worker from another thread: one method for each message, each runs on the
/// worker's loop.
public final class WorkerMailbox implements MeshSubscriber {
    private final Worker worker;
    private final AtomicReference<@Nullable Publication> newest = new AtomicReference<>();

    public WorkerMailbox(Worker worker) {
        this.worker = worker;
    }

    /// A worker that is behind gets the newest version, with the changes of all in between.
    @Override
    public void onMesh(Publication publication) {
        Publication unread =
                newest.getAndAccumulate(
                        publication,
                        (before, now) -> before == null || now == null ? now : now.after(before));
        if (unread == null) {
            worker.loop()
                    .execute(
                            () -> {
                                Publication next = newest.getAndSet(null);
                                if (next != null) {
                                    worker.onMesh(next);
                                }
                            });
        }
    }

    /// Looks at every tunnel, whether its certificates still carry it: the revocation lists have
    /// changed.
    public void inspectTunnels() {
        worker.loop().execute(worker::inspectTunnels);
    }

    /// The same again and again, because certificates expire and are renewed. One visit of each
    /// tunnel per interval is all that following its certificates costs.
    public void inspectTunnelsEvery(Duration interval) {
        worker.loop()
                .scheduleWithFixedDelay(
                        worker::inspectTunnels,
                        interval.toMillis(),
                        interval.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    /// Opens a pod's slice. Completes when its listeners are bound; a slice that could not be
    /// opened is gone again when the failure is reported.
    public CompletableFuture<Void> openSlice(SliceId id, PodInfo info, SliceOpener opener) {
        CompletableFuture<Void> opened = new CompletableFuture<>();
        worker.loop()
                .execute(
                        () -> {
                            PodSlice slice = new PodSlice(worker, id, info);
                            worker.add(slice);
                            opener.open(slice)
                                    .whenComplete(
                                            (nothing, failure) -> {
                                                if (failure == null) {
                                                    opened.complete(null);
                                                } else {
                                                    slice.drain(Duration.ZERO);
                                                    opened.completeExceptionally(failure);
                                                }
                                            });
                        });
        return opened;
    }

    /// Ends a pod's slice; completes when nothing of it is left. Unknown pods are ended already.
    public CompletableFuture<Void> drainSlice(SliceId id, Duration within) {
        return ask(worker -> {
                    PodSlice slice = worker.slice(id);
                    return slice == null
                            ? CompletableFuture.<Void>completedFuture(null)
                            : slice.drain(within);
                })
                .thenCompose(end -> end);
    }

    /// Reads something off the worker, on its loop.
    public <T> CompletableFuture<T> ask(Function<Worker, T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        worker.loop()
                .execute(
                        () -> {
                            try {
                                answer.complete(question.apply(worker));
                            } catch (RuntimeException failure) {
                                answer.completeExceptionally(failure);
                            }
                        });
        return answer;
    }

    /// The live connections of each pod, for `/config_dump`.
    public CompletableFuture<List<PodConnections>> connections() {
        return ask(
                worker -> {
                    List<PodConnections> all = new ArrayList<>();
                    for (PodSlice slice : worker.slices()) {
                        List<LiveConnection.Row> inbound = new ArrayList<>();
                        List<LiveConnection.Row> outbound = new ArrayList<>();
                        slice.inbound().forEach(connection -> inbound.add(connection.row()));
                        slice.outbound().forEach(connection -> outbound.add(connection.row()));
                        all.add(
                                new PodConnections(
                                        slice.pod(), slice.local().info(), inbound, outbound));
                    }
                    return all;
                });
    }

    /// The connections of one pod on one worker.
    public record PodConnections(
            PodUid pod,
            PodInfo info,
            List<LiveConnection.Row> inbound,
            List<LiveConnection.Row> outbound) {}
}
