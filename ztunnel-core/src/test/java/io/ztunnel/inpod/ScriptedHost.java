package io.ztunnel.inpod;

import io.ztunnel.net.Netns;
import io.ztunnel.pod.PodHost;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// A [PodHost] without sockets that does as the test says, and closes what it was given.
///
/// Any thread, though what it recorded is to be read when nothing is under way.
final class ScriptedHost implements PodHost {
    /// What becomes of starts.
    enum Mood {
        BIND,
        FAIL,
        /// Until the test ends the attempt.
        WAIT
    }

    final class Attempt implements RunningPod {
        final PodUid uid;
        final PodInfo info;
        final Netns netns;
        final CompletableFuture<RunningPod> start = new CompletableFuture<>();
        final CompletableFuture<Void> end = new CompletableFuture<>();
        final List<Duration> stops = new ArrayList<>();

        Attempt(PodUid uid, PodInfo info, Netns netns) {
            this.uid = uid;
            this.info = info;
            this.netns = netns;
        }

        void bind() {
            start.complete(this);
        }

        void fail(String reason) {
            netns.close();
            start.completeExceptionally(new IOException(reason));
        }

        int stopCount() {
            synchronized (ScriptedHost.this) {
                return stops.size();
            }
        }

        void gone() {
            netns.close();
            end.complete(null);
        }

        @Override
        public CompletableFuture<Void> stop(Duration within) {
            synchronized (ScriptedHost.this) {
                stops.add(within);
                if (stopsAtOnce || (within.isZero() && zeroStopsAtOnce)) {
                    gone();
                }
            }
            return end;
        }
    }

    private final List<Attempt> attempts = new ArrayList<>();
    private final Deque<Mood> moods = new ArrayDeque<>();
    private Mood mood = Mood.BIND;
    boolean stopsAtOnce = true;
    boolean zeroStopsAtOnce;

    synchronized void will(Mood always) {
        mood = always;
    }

    synchronized void willOnce(Mood next) {
        moods.add(next);
    }

    synchronized List<Attempt> attempts() {
        return List.copyOf(attempts);
    }

    Attempt last() {
        return attempts().getLast();
    }

    @Override
    public synchronized CompletableFuture<RunningPod> start(PodUid uid, PodInfo info, Netns netns) {
        Attempt attempt = new Attempt(uid, info, netns);
        attempts.add(attempt);
        Mood now = moods.isEmpty() ? mood : moods.remove();
        switch (now) {
            case BIND -> attempt.bind();
            case FAIL -> attempt.fail("port 15008 is taken");
            case WAIT -> {}
        }
        return attempt.start;
    }
}
