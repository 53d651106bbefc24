package io.ztunnel.identity;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/// The one thread that owns a [CertificateBook], and the calls it sends out. A door, so that a year
/// can pass in a test.
interface BookThread extends AutoCloseable {
    /// Runs a task on the owning thread. Dropped after the end.
    void run(Runnable task);

    /// Runs a task on the owning thread once the time has passed. Dropped after the end.
    void runAfter(Duration delay, Runnable task);

    /// Runs something that blocks, elsewhere.
    void call(Runnable blocking);

    /// Has the owning thread answer. Not to be called on it.
    ///
    /// @throws IllegalStateException when it does not answer within five seconds
    default <T> T ask(Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        run(() -> answer.complete(question.get()));
        try {
            return answer.get(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the book", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the certificate book does not answer", e);
        }
    }

    /// Interrupts what is under way.
    @Override
    void close();

    /// `zt-certs`, with a virtual thread for every call.
    static BookThread start() {
        return new Real();
    }

    /// The real one.
    final class Real implements BookThread {
        private static final Logger LOG = LoggerFactory.getLogger(BookThread.class);

        private final ScheduledExecutorService owner =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("zt-certs").daemon(true).factory());
        private final java.util.concurrent.ExecutorService calls =
                Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("zt-certs-call-", 0).factory());

        @Override
        public void run(Runnable task) {
            runAfter(Duration.ZERO, task);
        }

        @Override
        public void runAfter(Duration delay, Runnable task) {
            try {
                // Rounded up: a task that comes too early finds nothing to do.
                long millis = delay.isZero() ? 0 : delay.toMillis() + 1;
                Future<?> unused = owner.schedule(guarded(task), millis, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException ended) {
                LOG.debug("task after the end dropped");
            }
        }

        /// A bug in one task must not silently end the renewals of all.
        private static Runnable guarded(Runnable task) {
            return () -> {
                try {
                    task.run();
                } catch (RuntimeException e) {
                    LOG.error("certificate book", e);
                }
            };
        }

        @Override
        public void call(Runnable blocking) {
            try {
                calls.execute(blocking);
            } catch (RejectedExecutionException ended) {
                LOG.debug("call after the end dropped");
            }
        }

        @Override
        public void close() {
            owner.shutdownNow();
            calls.shutdownNow();
        }
    }
}
