package io.ztunnel.feed;

import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.worker.MeshSubscriber;
import io.ztunnel.worker.Publication;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/// The one writer of the mesh: turns changes into versions and publishes them.
///
/// Any thread hands changes in; they are applied in order on `zt-mesh`, each batch as a whole, so
/// nobody ever sees half of one.
public final class MeshWriter implements AutoCloseable {
    private final String nodeName;
    private final ExecutorService thread;
    private final List<MeshSubscriber> subscribers = new ArrayList<>();
    private volatile Publication current = Publication.EMPTY;

    /// @param nodeName whose workloads count as local; empty makes all of them local
    public MeshWriter(String nodeName) {
        this.nodeName = nodeName;
        this.thread =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().name("zt-mesh").daemon().factory());
    }

    /// Joins; the newest version comes first, then every later one.
    public CompletableFuture<Void> subscribe(MeshSubscriber subscriber) {
        return CompletableFuture.runAsync(
                () -> {
                    subscribers.add(subscriber);
                    subscriber.onMesh(current);
                },
                thread);
    }

    /// Applies a batch. Completes when it is published; fails where the batch throws, and then
    /// nothing of it is applied.
    public CompletableFuture<Changes> submit(Consumer<MeshDelta> batch) {
        return CompletableFuture.supplyAsync(() -> apply(batch), thread);
    }

    /// The newest version, for dumps. Any thread.
    public Publication current() {
        return current;
    }

    private Changes apply(Consumer<MeshDelta> batch) {
        MeshDelta delta = new MeshDelta(current.mesh(), nodeName);
        batch.accept(delta);
        MeshSnapshot mesh = delta.apply();
        Changes changes = delta.changes();
        CompiledPolicies policies = current.policies().next(mesh, changes);
        Publication next = new Publication(mesh, policies, changes);
        current = next;
        subscribers.forEach(subscriber -> subscriber.onMesh(next));
        return changes;
    }

    @Override
    public void close() {
        thread.shutdown();
    }
}
