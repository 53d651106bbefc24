package io.ztunnel.lifecycle;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/// The end of something that has connections: the process, a pod (docs/spec/dataplane.md 11).
///
/// It is passed down from the daemon; whoever must not be cut off takes a [Hold], whoever must
/// react registers with [#onStart]. Listeners are called on the thread that starts the drain (or at
/// once on the caller's, where it has started already) and have to hand over to their own loop; the
/// thrown exception of one does not keep the others from being told. Any thread.
public final class Drain {

    /// How it ends: `GRACEFUL` lets connections run until the deadline, `IMMEDIATE` cuts them.
    public enum Mode {
        GRACEFUL,
        IMMEDIATE
    }

    private final Duration deadline;
    private final Set<Consumer<Mode>> listeners = new LinkedHashSet<>();
    private final Map<String, Integer> holds = new TreeMap<>();
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private @Nullable Mode mode;

    /// @param deadline how long connections may go on after a graceful start
    public Drain(Duration deadline) {
        this.deadline = deadline;
    }

    /// A drain of a part: starts when this one does, may start alone, and holds this one while it
    /// is itself held.
    public Drain child(String what) {
        Drain child = new Drain(deadline);
        Hold held = hold(what);
        Registration with = onStart(child::start);
        child.done.whenComplete(
                (nothing, failure) -> {
                    with.close();
                    held.close();
                });
        return child;
    }

    /// Keeps the drain from being done until closed. Legal after the start, too.
    public synchronized Hold hold(String what) {
        holds.merge(what, 1, Integer::sum);
        return new Hold(() -> release(what));
    }

    /// Calls the listener when the drain starts, and a second time when a graceful one becomes
    /// immediate. Where it has started already, the call comes at once.
    public Registration onStart(Consumer<Mode> listener) {
        Mode started;
        synchronized (this) {
            listeners.add(listener);
            started = mode;
        }
        if (started != null) {
            listener.accept(started);
        }
        return () -> {
            synchronized (this) {
                listeners.remove(listener);
            }
        };
    }

    /// Starts; a repeated start only counts where it turns graceful into immediate.
    ///
    /// @return whether it counted
    public boolean start(Mode wanted) {
        List<Consumer<Mode>> told;
        synchronized (this) {
            if (mode == Mode.IMMEDIATE || mode == wanted) {
                return false;
            }
            mode = wanted;
            told = new ArrayList<>(listeners);
        }
        RuntimeException first = null;
        for (Consumer<Mode> listener : told) {
            try {
                listener.accept(wanted);
            } catch (RuntimeException failure) {
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            }
        }
        completeIfDone();
        if (first != null) {
            throw first;
        }
        return true;
    }

    public Duration deadline() {
        return deadline;
    }

    public synchronized boolean hasStarted() {
        return mode != null;
    }

    /// Null before the start.
    public synchronized @Nullable Mode mode() {
        return mode;
    }

    /// Completes once the drain has started and nothing holds it.
    public CompletableFuture<Void> done() {
        return done.copy();
    }

    /// What is still held, for the log: `inbound (2), outbound`.
    public synchronized String held() {
        StringBuilder text = new StringBuilder();
        for (Iterator<Map.Entry<String, Integer>> all = holds.entrySet().iterator();
                all.hasNext(); ) {
            Map.Entry<String, Integer> each = all.next();
            text.append(each.getKey());
            if (each.getValue() > 1) {
                text.append(" (").append(each.getValue()).append(')');
            }
            text.append(all.hasNext() ? ", " : "");
        }
        return text.toString();
    }

    private void release(String what) {
        synchronized (this) {
            holds.computeIfPresent(what, (name, count) -> count == 1 ? null : count - 1);
        }
        completeIfDone();
    }

    private void completeIfDone() {
        boolean over;
        synchronized (this) {
            over = mode != null && holds.isEmpty();
        }
        if (over) {
            done.complete(null);
        }
    }

    /// Ends a registration; needed where the listener lives shorter than the drain.
    @FunctionalInterface
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }
}
