package io.ztunnel.worker;

import io.netty.channel.EventLoop;
import io.ztunnel.observe.Observer;

import java.time.Duration;
import java.util.SplittableRandom;

/// A worker that runs short of nothing and reaps nobody.
public final class TestWorker {
    private static final long PLENTY = 1L << 40;

    private TestWorker() {}

    public static Worker on(EventLoop loop, Observer observer) {
        return on(loop, observer, new WorkerBudget.Limits(PLENTY, PLENTY, PLENTY, PLENTY));
    }

    /// One that may run short.
    public static Worker on(EventLoop loop, Observer observer, WorkerBudget.Limits limits) {
        return new Worker(
                0,
                loop,
                observer,
                new SplittableRandom(1),
                new WorkerBudget(limits),
                new IdleLimits(
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ofDays(1)));
    }
}
