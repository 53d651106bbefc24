package io.ztunnel.demo;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/// Looks again until something is there, or time is up.
final class Until {
    private static final long PAUSE_NANOS = Duration.ofMillis(100).toNanos();

    private Until() {}

    /// The first answer that is present, or an empty one after `limit`.
    static <T> Optional<T> present(Duration limit, Supplier<Optional<T>> look) {
        long deadline = System.nanoTime() + limit.toNanos();
        Optional<T> seen = look.get();
        while (seen.isEmpty() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(PAUSE_NANOS);
            seen = look.get();
        }
        return seen;
    }

    static boolean isTrue(Duration limit, Supplier<Boolean> look) {
        return present(limit, () -> look.get() ? Optional.of(true) : Optional.empty()).isPresent();
    }
}
