package io.ztunnel.identity;

import java.time.Duration;
import java.time.Instant;

/// Wakes the book when something is due next. Owned by the book's thread.
final class WakeUp {
    private final BookThread thread;
    private final Runnable work;
    private Instant next = Instant.MAX;

    WakeUp(BookThread thread, Runnable work) {
        this.thread = thread;
        this.work = work;
    }

    /// Sees that work is done at a time, or earlier where that was asked for before.
    void at(Instant time, Instant now) {
        boolean pending = next.isAfter(now) && !next.isAfter(time);
        if (!pending) {
            next = time;
            thread.runAfter(Duration.between(now, time), () -> woken(time));
        }
    }

    /// A wake-up that an earlier one has overtaken does nothing.
    private void woken(Instant mine) {
        if (mine.equals(next)) {
            next = Instant.MAX;
            work.run();
        }
    }
}
