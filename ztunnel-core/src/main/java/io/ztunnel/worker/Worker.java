package io.ztunnel.worker;

import io.netty.channel.EventLoop;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Party;

import org.jspecify.annotations.Nullable;

import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/// One event loop and all it owns: its share of every pod's listeners, tunnels and connections, its
/// counters, its current snapshot. Nothing here is shared, so nothing is locked.
///
/// Confined to its loop; other threads use the [WorkerMailbox].
public final class Worker {
    private final int index;
    private final EventLoop loop;
    private final Observer observer;
    private final RandomGenerator dice;
    private final WorkerBudget budget;
    private final Map<SliceId, PodSlice> slices = new LinkedHashMap<>();
    private final IdentityHashMap<Workload, Party> parties = new IdentityHashMap<>();
    private final AvoidList avoided;
    private final IdleSweep sweep;
    private boolean sweeping;
    private Publication current = Publication.EMPTY;

    /// @param dice for balancing and trace ids; confined to the loop
    /// @param idle how long idle connections may stay
    public Worker(
            int index,
            EventLoop loop,
            Observer observer,
            RandomGenerator dice,
            WorkerBudget budget,
            IdleLimits idle) {
        this.index = index;
        this.loop = loop;
        this.observer = observer;
        this.dice = dice;
        this.avoided = new AvoidList(observer::nanoTime, dice);
        this.budget = budget;
        this.sweep = new IdleSweep(this, idle);
    }

    public int index() {
        return index;
    }

    public EventLoop loop() {
        return loop;
    }

    public Observer observer() {
        return observer;
    }

    public RandomGenerator dice() {
        return dice;
    }

    /// The endpoints that failed this worker a moment ago.
    public AvoidList avoided() {
        assert loop.inEventLoop();
        return avoided;
    }

    /// The newest version this worker knows.
    public Publication mesh() {
        assert loop.inEventLoop();
        return current;
    }

    /// How telemetry names a workload; made once for each workload of a version.
    public Party party(@Nullable Workload workload) {
        assert loop.inEventLoop();
        return workload == null ? Party.unknown() : parties.computeIfAbsent(workload, Party::of);
    }

    public @Nullable PodSlice slice(SliceId id) {
        assert loop.inEventLoop();
        return slices.get(id);
    }

    public Iterable<PodSlice> slices() {
        assert loop.inEventLoop();
        return slices.values();
    }

    void onMesh(Publication publication) {
        assert loop.inEventLoop();
        current = publication;
        parties.clear();
        // A copy, because a slice may leave while it reacts.
        for (PodSlice slice : slices.values().toArray(new PodSlice[0])) {
            slice.onMesh(publication);
        }
    }

    void inspectTunnels() {
        assert loop.inEventLoop();
        for (PodSlice slice : slices.values().toArray(new PodSlice[0])) {
            slice.inspectTunnels();
        }
    }

    void add(PodSlice slice) {
        assert loop.inEventLoop();
        slices.put(slice.id(), slice);
        if (!sweeping) {
            sweeping = true;
            sweep.start();
        }
    }

    void remove(PodSlice slice) {
        assert loop.inEventLoop();
        if (slices.remove(slice.id(), slice)) {
            slice.admission().close();
        }
    }

    WorkerBudget budget() {
        return budget;
    }

    PodSlice[] slicesNow() {
        return slices.values().toArray(new PodSlice[0]);
    }

    void tellLevels() {
        observer.metrics().level(budget.sockets(), budget.bufferedBytes());
    }
}
