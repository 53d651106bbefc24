package io.ztunnel.lifecycle;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Collectors;

/// Finds out whether threads that must never wait do: asks each for a sign of life, and makes the
/// process not ready while one of them owes it.
///
/// Counts looks and not seconds, so that a machine that stood still as a whole blames nobody. One
/// thread, which must not be one of those watched.
public final class LoopWatch {
    private static final Logger LOG = LoggerFactory.getLogger(LoopWatch.class);

    private static final class Watched {
        final String name;
        final Executor loop;

        /// Written by the loop.
        volatile boolean answered = true;

        volatile @Nullable Thread thread;
        int looksInVain;
        @Nullable Hold hold;

        Watched(String name, Executor loop) {
            this.name = name;
            this.loop = loop;
        }

        void answer() {
            thread = Thread.currentThread();
            answered = true;
        }
    }

    private final Readiness readiness;
    private final int patience;
    private final List<Watched> all = new ArrayList<>();
    private long stalls;

    /// @param loops by the names of their threads
    /// @param patience after so many looks without an answer a loop counts as stuck; 1 or more
    public LoopWatch(Readiness readiness, Map<String, ? extends Executor> loops, int patience) {
        this.readiness = readiness;
        this.patience = patience;
        loops.forEach((name, loop) -> all.add(new Watched(name, loop)));
    }

    /// Looks at everybody once.
    public synchronized void look() {
        for (Watched each : all) {
            if (each.answered) {
                recovered(each);
                ask(each);
            } else if (++each.looksInVain == patience) {
                stuck(each);
            }
        }
    }

    /// Loops that are stuck now.
    public synchronized int stuck() {
        return (int) all.stream().filter(each -> each.hold != null).count();
    }

    /// How often one got stuck.
    public synchronized long stalls() {
        return stalls;
    }

    private static void ask(Watched loop) {
        loop.answered = false;
        try {
            loop.loop.execute(loop::answer);
        } catch (RejectedExecutionException ending) {
            loop.answered = true;
        }
    }

    private void stuck(Watched loop) {
        stalls++;
        loop.hold = readiness.hold("event loop " + loop.name);
        Thread thread = loop.thread;
        LOG.atError()
                .addKeyValue("loop", loop.name)
                .addKeyValue("at", thread == null ? "?" : stack(thread))
                .log("an event loop is stuck, its connections stand still");
    }

    private static void recovered(Watched loop) {
        loop.looksInVain = 0;
        Hold hold = loop.hold;
        if (hold != null) {
            loop.hold = null;
            hold.close();
            LOG.atWarn().addKeyValue("loop", loop.name).log("the event loop goes on");
        }
    }

    private static String stack(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .map(StackTraceElement::toString)
                .collect(Collectors.joining(" < "));
    }
}
