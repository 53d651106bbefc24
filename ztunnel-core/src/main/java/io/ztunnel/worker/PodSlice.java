package io.ztunnel.worker;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// What one pod has on one worker: listeners, tunnels, live connections, and how they end.
///
/// Draining gracefully closes the listeners, lets the parts say goodbye to their peers and waits
/// for the connections; at the deadline the rest is cut (docs/spec/dataplane.md 11). Confined to
/// the worker's loop.
public final class PodSlice {

    /// Something that accepts or carries connections for the slice.
    public interface Part {

        /// Takes nothing new, says goodbye to peers, lets what lives go on.
        void drain();

        /// Ends everything at once.
        void close();

        /// Whether nothing of it is left to wait for.
        boolean isQuiet();

        /// Ends, or lets go, tunnels that their certificates no longer carry.
        default void inspectTunnels() {}
    }

    private final Worker worker;
    private final SliceId id;
    private final LocalWorkload local;
    private final Admission admission;
    private final ConnectionTable inbound = new ConnectionTable();
    private final ConnectionTable outbound = new ConnectionTable();
    private final List<Part> parts = new ArrayList<>();
    private final List<Consumer<Publication>> subscribers = new ArrayList<>();
    private @Nullable CompletableFuture<Void> closed;
    private @Nullable Future<?> deadline;

    PodSlice(Worker worker, SliceId id, PodInfo info) {
        this.worker = worker;
        this.id = id;
        this.local = new LocalWorkload(this, info);
        this.admission = new Admission(worker.budget().newShare(), info, worker.observer());
    }

    public Worker worker() {
        return worker;
    }

    public SliceId id() {
        return id;
    }

    public PodUid pod() {
        return id.pod();
    }

    public LocalWorkload local() {
        return local;
    }

    /// What the pod may begin.
    public Admission admission() {
        return admission;
    }

    public ConnectionTable inbound() {
        return inbound;
    }

    public ConnectionTable outbound() {
        return outbound;
    }

    /// Adds a part that lives as long as the slice.
    public void add(Part part) {
        parts.add(part);
    }

    /// Calls back on the loop for each publication, until the slice ends.
    public void onEachMesh(Consumer<Publication> subscriber) {
        subscribers.add(subscriber);
    }

    void forget(Consumer<Publication> subscriber) {
        subscribers.remove(subscriber);
    }

    void onMesh(Publication publication) {
        for (Consumer<Publication> subscriber : List.copyOf(subscribers)) {
            subscriber.accept(publication);
        }
    }

    void inspectTunnels() {
        parts.forEach(Part::inspectTunnels);
        mayBeQuiet();
    }

    public boolean isDraining() {
        return closed != null;
    }

    /// To be called by whoever removed the last thing a drain may be waiting for.
    public void mayBeQuiet() {
        CompletableFuture<Void> waiting = closed;
        if (waiting == null || waiting.isDone()) {
            return;
        }
        if (inbound.size() > 0 || outbound.size() > 0) {
            return;
        }
        for (Part part : parts) {
            if (!part.isQuiet()) {
                return;
            }
        }
        if (deadline != null) {
            deadline.cancel(false);
        }
        // What is quiet may still hold an idle tunnel open.
        parts.forEach(Part::close);
        worker.remove(this);
        waiting.complete(null);
    }

    /// Ends the slice; zero time cuts everything at once. A second call only shortens the wait.
    CompletableFuture<Void> drain(Duration within) {
        assert worker.loop().inEventLoop();
        CompletableFuture<Void> end = closed;
        if (end == null) {
            end = new CompletableFuture<>();
            closed = end;
            if (!within.isZero()) {
                parts.forEach(Part::drain);
            }
        }
        if (within.isZero()) {
            cutAll();
        } else if (deadline == null) {
            deadline =
                    worker.loop().schedule(this::cutAll, within.toMillis(), TimeUnit.MILLISECONDS);
        }
        mayBeQuiet();
        return end;
    }

    private void cutAll() {
        outbound.forEach(connection -> connection.cut(LiveConnection.Cut.DRAIN));
        inbound.forEach(connection -> connection.cut(LiveConnection.Cut.DRAIN));
        parts.forEach(Part::close);
        mayBeQuiet();
    }
}
