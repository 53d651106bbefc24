package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.lifecycle.Drain;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.net.Netns;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.pod.PodHost;
import io.ztunnel.testkit.OpenFiles;
import io.ztunnel.testkit.ZdsServer;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// A conversation of a test, quick to reconnect and to try again, that ends with the test.
final class Conversing implements AutoCloseable {
    static {
        // Stays open for good, which would look like a leak of the first test.
        Netns.own();
    }

    static final Duration STOP_GRACE = Duration.ofMillis(700);

    private final long namespacesBefore = OpenFiles.count("net:");
    private final long socketsBefore = OpenFiles.count("socket:");

    final Readiness readiness = new Readiness();
    final Drain drain = new Drain(Duration.ofSeconds(10));
    final ZdsConversation conversation;

    Conversing(Path socket, PodHost host) throws IOException {
        this(socket, host, Duration.ofSeconds(4));
    }

    Conversing(Path socket, PodHost host, Duration answerWithin) throws IOException {
        InpodSettings settings =
                new InpodSettings(
                        socket,
                        answerWithin,
                        Duration.ofMillis(50),
                        Duration.ofMillis(50),
                        STOP_GRACE,
                        Duration.ofSeconds(30),
                        Duration.ofMillis(1),
                        Duration.ofMillis(4));
        conversation = ZdsConversation.start(settings, host, readiness, drain);
    }

    static void until(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + ZdsServer.PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("never: " + what);
            }
            Thread.onSpinWait();
        }
    }

    void untilReady() {
        until("ready", readiness::isReady);
    }

    void untilNotReady() {
        until("not ready", () -> !readiness.isReady());
    }

    /// The counts follow readiness by a moment: the owner publishes them after it acted.
    void assertCounts(int active, int pending, long started, long stopped) {
        var expected = List.<Long>of((long) active, (long) pending, started, stopped);
        until(
                "active, pending, started, stopped " + expected,
                () -> {
                    PodReport.Counts counts = conversation.report().counts();
                    return expected.equals(
                            List.of(
                                    (long) counts.active(),
                                    (long) counts.pending(),
                                    counts.started(),
                                    counts.stopped()));
                });
    }

    /// A descriptor to send, closed by the caller.
    static int open(Path path) throws IOException {
        return LibC.open(path.toString());
    }

    /// Ends it, and fails where it left anything open.
    @Override
    public void close() {
        if (!drain.hasStarted()) {
            drain.start(Drain.Mode.IMMEDIATE);
        }
        conversation.end().orTimeout(ZdsServer.PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
        assertThat(readiness.isReady()).isFalse();
        until("no namespace left open", () -> OpenFiles.count("net:") <= namespacesBefore);
        until("no socket left open", () -> OpenFiles.count("socket:") <= socketsBefore);
    }
}
