package io.ztunnel.e2e;

import io.ztunnel.node.Conversations;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Connections that stay and say a word now and then; one that is cut is opened anew.
///
/// A connection passes both nodes, so the first daemon that has not closed its listeners when it is
/// opened carries it, and may cut it when its deadline has come: not before, and nobody else.
/// Results may be read after [#close].
final class Residents implements AutoCloseable {
    /// Between the signal and the daemon's clock, and between two clocks.
    private static final Duration EARLY = Duration.ofMillis(300);

    /// A daemon without listeners may still be given a request on a tunnel that it has.
    private static final Duration LATE = Duration.ofMillis(500);

    private final Conversations talk;
    private final Duration deadline;
    private final List<Resident> all = new ArrayList<>();
    private final List<Termination> terminations = new CopyOnWriteArrayList<>();
    private final List<String> tooEarly = new CopyOnWriteArrayList<>();
    private final Thread thread = new Thread(this::run, "residents");
    private volatile boolean ending;
    private long words;
    private int cutAtDeadline;

    Residents(Conversations talk, int count, Duration deadline) throws IOException {
        this.talk = talk;
        this.deadline = deadline;
        for (int i = 0; i < count; i++) {
            all.add(new Resident());
        }
        thread.start();
    }

    /// When a daemon was told to end and when it was seen to listen no more.
    private static final class Termination {
        final long told = System.nanoTime();
        volatile long closed = Long.MAX_VALUE / 2;
    }

    /// To be told right before a daemon is told to end; the result is to be run when it is seen to
    /// listen no more.
    Runnable terminating() {
        Termination termination = new Termination();
        terminations.add(termination);
        return () -> termination.closed = System.nanoTime();
    }

    private void run() {
        while (!ending) {
            for (Resident each : all) {
                each.sayAWord();
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    /// The connections that were cut before their time, and how.
    List<String> tooEarly() {
        return tooEarly;
    }

    @Override
    public String toString() {
        return "standing connections %d, words %d, cut at a deadline %d, cut before it %d"
                .formatted(all.size(), words, cutAtDeadline, tooEarly.size());
    }

    @Override
    public void close() throws IOException {
        ending = true;
        try {
            thread.join();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        for (Resident each : all) {
            each.socket.close();
        }
    }

    private final class Resident {
        private Socket socket;
        private long opened;

        Resident() throws IOException {
            open();
        }

        private void open() throws IOException {
            opened = System.nanoTime();
            socket = talk.open();
            Conversations.roundTrip(socket, "moved in");
        }

        void sayAWord() {
            try {
                Conversations.roundTrip(socket, "still here");
                words++;
            } catch (IOException | AssertionError cut) {
                judge(cut);
                try {
                    socket.close();
                    open();
                } catch (IOException | AssertionError homeless) {
                    tooEarly.add("cannot be opened: " + homeless);
                }
            }
        }

        private void judge(Throwable cut) {
            long now = System.nanoTime();
            for (Termination each : terminations) {
                if (opened - each.closed <= LATE.toNanos()) {
                    long lived = now - each.told;
                    if (lived + EARLY.toNanos() >= deadline.toNanos()) {
                        cutAtDeadline++;
                    } else {
                        tooEarly.add(
                                "%d ms after the signal, opened %d ms after it: %s"
                                        .formatted(
                                                TimeUnit.NANOSECONDS.toMillis(lived),
                                                TimeUnit.NANOSECONDS.toMillis(opened - each.told),
                                                cut));
                    }
                    return;
                }
            }
            tooEarly.add("nobody was told to end: " + cut);
        }
    }
}
