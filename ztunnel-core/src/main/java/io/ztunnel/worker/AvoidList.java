package io.ztunnel.worker;

import io.ztunnel.mesh.Avoided;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/// The endpoints that failed this worker a moment ago, each for a short while
/// (docs/spec/dataplane.md 2.8). Nothing here closes an endpoint: whoever has no other chooses one
/// of these.
///
/// Workers do not share it: each finds out for itself, with a failure or two, and nothing has to be
/// locked. It holds a bounded number of endpoints; the oldest entries give way. Confined to the
/// worker's loop.
public final class AvoidList implements Avoided {
    /// Any port: the workload as a whole was not reached.
    public static final int ANY_PORT = 0;

    /// About 100 bytes each. More than this at once means that a zone is gone, and then the ranks
    /// of the balancer decide, not this list.
    static final int MOST = 1024;

    /// A workload that fails on more ports than this has one port too many listed by its services.
    static final int MOST_PORTS = 8;

    /// One port of a workload, and the next one of the same workload.
    private static final class Entry {
        final int port;
        final @Nullable Entry next;
        final long untilNanos;

        Entry(int port, long untilNanos, @Nullable Entry next) {
            this.port = port;
            this.untilNanos = untilNanos;
            this.next = next;
        }
    }

    private final LongSupplier nanoTime;
    private final RandomGenerator dice;
    private final Map<String, Entry> byUid = new LinkedHashMap<>();
    private long latestEndNanos;

    AvoidList(LongSupplier nanoTime, RandomGenerator dice) {
        this.nanoTime = nanoTime;
        this.dice = dice;
    }

    /// Whether anybody is avoided now, as far as it is cheap to say. Empty nearly always.
    public boolean isEmpty() {
        if (byUid.isEmpty()) {
            return true;
        }
        if (nanoTime.getAsLong() - latestEndNanos < 0) {
            return false;
        }
        byUid.clear();
        return true;
    }

    /// Workloads in the list, those whose time is over included until somebody looks.
    public int size() {
        return byUid.size();
    }

    @Override
    public boolean contains(Workload workload, int port) {
        Entry first = byUid.get(workload.uid());
        return first != null && holds(first, port);
    }

    private boolean holds(Entry first, int port) {
        long now = nanoTime.getAsLong();
        for (Entry entry = first; entry != null; entry = entry.next) {
            if ((entry.port == ANY_PORT || entry.port == port) && now - entry.untilNanos < 0) {
                return true;
            }
        }
        return false;
    }

    /// Avoids a workload, or one port of it, for about a time: drawn between three quarters and
    /// five quarters of it, so that not all who avoid it return at once.
    ///
    /// @param port the port on the workload, or [#ANY_PORT]
    /// @return for how long, zero where it was avoided before
    public Duration add(Workload workload, int port, Duration about) {
        Entry known = byUid.get(workload.uid());
        if (about.isZero() || (known != null && holds(known, port))) {
            return Duration.ZERO;
        }
        long now = nanoTime.getAsLong();
        long each = about.toNanos();
        long drawn = each - each / 4 + dice.nextLong(each / 2 + 1);
        latestEndNanos = byUid.isEmpty() ? now + drawn : latestOf(latestEndNanos, now + drawn);
        // Last again, so that the first is the oldest.
        byUid.remove(workload.uid());
        byUid.put(workload.uid(), new Entry(port, now + drawn, alive(known, now, MOST_PORTS - 1)));
        if (byUid.size() > MOST) {
            dropOver(now);
        }
        return Duration.ofNanos(drawn);
    }

    /// A port of a workload was reached, so nothing is held against it any more.
    public void forgive(Workload workload, int port) {
        byUid.computeIfPresent(workload.uid(), (_, entry) -> without(entry, port));
    }

    private static @Nullable Entry without(@Nullable Entry entry, int port) {
        if (entry == null) {
            return null;
        }
        Entry rest = without(entry.next, port);
        return entry.port == ANY_PORT || entry.port == port
                ? rest
                : rest == entry.next ? entry : new Entry(entry.port, entry.untilNanos, rest);
    }

    /// The newest entries whose time is not over.
    private static @Nullable Entry alive(@Nullable Entry entry, long now, int most) {
        if (entry == null || most == 0) {
            return null;
        }
        if (now - entry.untilNanos >= 0) {
            return alive(entry.next, now, most);
        }
        Entry rest = alive(entry.next, now, most - 1);
        return rest == entry.next ? entry : new Entry(entry.port, entry.untilNanos, rest);
    }

    private void dropOver(long now) {
        byUid.values().removeIf(entry -> alive(entry, now, 1) == null);
        if (byUid.size() > MOST) {
            Iterator<String> oldest = byUid.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
    }

    private static long latestOf(long one, long other) {
        return one - other > 0 ? one : other;
    }
}
