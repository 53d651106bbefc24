package io.ztunnel.hbone;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.TimeUnit;

/// The only timer of a tunnel: set to the earliest of its deadlines. Times are the loop's nanos.
final class Pulse implements Runnable {

    /// Acts on what is due.
    interface Heart {
        /// Returns the next deadline; [#NEVER] when there is none.
        long beat(long now);
    }

    static final long NEVER = Long.MAX_VALUE;

    private final EventExecutor loop;
    private final Heart heart;
    private @Nullable ScheduledFuture<?> scheduled;
    private long due = NEVER;
    private boolean stopped;

    Pulse(EventExecutor loop, Heart heart) {
        this.loop = loop;
        this.heart = heart;
    }

    long now() {
        return loop.ticker().nanoTime();
    }

    /// Beats no later than `deadline`.
    void by(long deadline) {
        if (stopped || deadline >= due) {
            return;
        }
        if (scheduled != null) {
            scheduled.cancel(false);
        }
        due = deadline;
        scheduled = loop.schedule(this, Math.max(0, deadline - now()), TimeUnit.NANOSECONDS);
    }

    void stop() {
        stopped = true;
        if (scheduled != null) {
            scheduled.cancel(false);
            scheduled = null;
        }
    }

    @Override
    public void run() {
        scheduled = null;
        due = NEVER;
        if (!stopped) {
            by(heart.beat(now()));
        }
    }
}
