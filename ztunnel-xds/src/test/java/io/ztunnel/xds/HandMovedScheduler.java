package io.ztunnel.xds;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/// A thread and a clock that stand still until a test moves them.
public final class HandMovedScheduler extends AbstractExecutorService
        implements ScheduledExecutorService {
    private final Deque<Runnable> ready = new ArrayDeque<>();
    private final List<Timer> timers = new ArrayList<>();
    private long now = 1_000_000_000_000L;

    public long nanoTime() {
        return now;
    }

    /// Runs what is ready, and what becomes ready by that.
    public void run() {
        Runnable next;
        while ((next = ready.poll()) != null) {
            next.run();
        }
    }

    /// Moves the clock, stopping at each timer on the way.
    public void advance(Duration by) {
        long until = now + by.toNanos();
        run();
        while (true) {
            timers.removeIf(Timer::isDone);
            Timer next =
                    timers.stream()
                            .filter(timer -> timer.at <= until)
                            .min(Comparator.comparingLong(timer -> timer.at))
                            .orElse(null);
            if (next == null) {
                now = until;
                return;
            }
            now = Math.max(now, next.at);
            timers.remove(next);
            next.run();
            run();
        }
    }

    /// Delays of the timers that wait, shortest first.
    public List<Duration> waiting() {
        timers.removeIf(Timer::isDone);
        return timers.stream().map(timer -> Duration.ofNanos(timer.at - now)).sorted().toList();
    }

    @Override
    public void execute(Runnable command) {
        ready.add(command);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
        Timer timer = new Timer(command, now + unit.toNanos(delay));
        timers.add(timer);
        return timer;
    }

    private final class Timer extends FutureTask<Object> implements ScheduledFuture<Object> {
        private final long at;

        Timer(Runnable command, long at) {
            super(
                    () -> {
                        command.run();
                        return null;
                    });
            this.at = at;
        }

        @Override
        protected void setException(Throwable failure) {
            throw new AssertionError("a timer failed", failure);
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(at - now, TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(
                    getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> callable, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
            Runnable command, long initialDelay, long period, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
            Runnable command, long initialDelay, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void shutdown() {
        ready.clear();
        timers.clear();
    }

    @Override
    public List<Runnable> shutdownNow() {
        shutdown();
        return List.of();
    }

    @Override
    public boolean isShutdown() {
        return false;
    }

    @Override
    public boolean isTerminated() {
        return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return true;
    }
}
