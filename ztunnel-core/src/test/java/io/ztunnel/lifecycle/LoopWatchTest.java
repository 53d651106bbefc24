package io.ztunnel.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/// A wedged worker makes the process not ready, and says which.
@Timeout(30)
class LoopWatchTest {
    private static final int PATIENCE = 3;

    private final Readiness readiness = new Readiness();
    private final Queue<Runnable> left = new ArrayDeque<>();

    private static void answer(Queue<Runnable> loop) {
        for (Runnable task = loop.poll(); task != null; task = loop.poll()) {
            task.run();
        }
    }

    private LoopWatch watch(Executor right) {
        return new LoopWatch(
                readiness, Map.of("zt-worker-0", left::add, "zt-worker-1", right), PATIENCE);
    }

    @Test
    void weakness41_aLoopThatOwesItsAnswerIsNamedUntilItGivesIt() {
        LoopWatch watch = watch(Runnable::run);
        for (int look = 0; look < PATIENCE; look++) {
            watch.look();
            assertThat(readiness.isReady()).as("look %d", look).isTrue();
        }

        watch.look();
        assertThat(readiness.body()).isEqualTo("not ready, pending: event loop zt-worker-0\n");
        assertThat(watch.stuck()).isOne();
        watch.look();
        assertThat(watch.stalls()).as("one episode").isOne();

        answer(left);
        watch.look();
        assertThat(readiness.isReady()).isTrue();
        assertThat(watch.stuck()).isZero();
    }

    @Test
    void aLoopThatAnswersLateEachTimeIsNotStuck() {
        LoopWatch watch = watch(Runnable::run);
        for (int look = 0; look < 10 * PATIENCE; look++) {
            watch.look();
            if (look % PATIENCE == PATIENCE - 1) {
                answer(left);
            }
        }
        assertThat(watch.stalls()).isZero();
    }

    @Test
    void aLoopThatHasEndedIsNotStuck() {
        LoopWatch watch =
                watch(
                        task -> {
                            throw new RejectedExecutionException("ended");
                        });
        for (int look = 0; look < 10; look++) {
            watch.look();
            answer(left);
        }
        assertThat(readiness.isReady()).isTrue();
    }
}
