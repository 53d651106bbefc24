package io.ztunnel.identity;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.PriorityQueue;

/// A clock that a test moves by hand, and the book's thread under it: everything happens at its
/// time, in order, on the thread of the test.
final class HandMovedThread implements BookThread, InstantSource {
    private record Event(Instant at, long order, Runnable task) {}

    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparing(Event::at).thenComparingLong(Event::order));
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private long order;
    private boolean draining;

    /// How long each call takes.
    Duration latency = Duration.ofSeconds(1);

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public void run(Runnable task) {
        events.add(new Event(now, order++, task));
        drain(now);
    }

    @Override
    public void runAfter(Duration delay, Runnable task) {
        events.add(new Event(now.plus(delay), order++, task));
    }

    @Override
    public void call(Runnable blocking) {
        events.add(new Event(now.plus(latency), order++, blocking));
    }

    @Override
    public void close() {
        events.clear();
    }

    void advance(Duration by) {
        drain(now.plus(by));
    }

    private void drain(Instant until) {
        if (draining) {
            return;
        }
        draining = true;
        while (!events.isEmpty() && !events.peek().at.isAfter(until)) {
            Event next = events.remove();
            now = next.at.isAfter(now) ? next.at : now;
            next.task.run();
        }
        now = until.isAfter(now) ? until : now;
        draining = false;
    }
}
