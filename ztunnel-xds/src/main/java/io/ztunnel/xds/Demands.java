package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// The keys that were asked for one by one (docs/spec/control-plane.md 2.11).
///
/// Reasons for not sending a subscription: somebody already waits for the key; or the server said a
/// moment ago that it does not exist. And a reason for an unsubscription first: the server does not
/// answer a repeated subscription on the same stream.
final class Demands {
    /// Where requests go; without a stream they are dropped, because the next stream opens with
    /// everything pending.
    interface Requests {
        void subscribe(String key);

        void unsubscribe(String key);
    }

    private static final class Waiting {
        final CompletableFuture<LookupEnd> end = new CompletableFuture<>();
        @Nullable Future<?> timeout;
    }

    private final Clockwork clockwork;
    private final XdsSettings.Lookups settings;
    private final Requests requests;
    private final Map<String, Waiting> pending = new LinkedHashMap<>();

    /// Keys that were subscribed on this stream and no longer waited for; the value is the time
    /// since when the key is known not to exist, or [#EXISTS].
    private final Map<String, Long> settled = new HashMap<>();

    private final LinkedHashMap<String, Boolean> absentByAge = new LinkedHashMap<>();
    private static final long EXISTS = Long.MIN_VALUE;

    Demands(Clockwork clockwork, XdsSettings.Lookups settings, Requests requests) {
        this.clockwork = clockwork;
        this.settings = settings;
        this.requests = requests;
    }

    CompletableFuture<LookupEnd> demand(String key) {
        @Nullable Waiting shared = pending.get(key);
        if (shared != null) {
            return shared.end.copy();
        }
        @Nullable Long since = settled.get(key);
        if (since != null && since != EXISTS && isFresh(since)) {
            return CompletableFuture.completedFuture(LookupEnd.ABSENT);
        }
        if (since != null) {
            forget(key);
            requests.unsubscribe(key);
        }
        Waiting waiting = new Waiting();
        pending.put(key, waiting);
        waiting.timeout =
                clockwork
                        .owner()
                        .schedule(
                                () -> settle(key, EXISTS, LookupEnd.TIMED_OUT),
                                settings.timeout().toNanos(),
                                TimeUnit.NANOSECONDS);
        requests.subscribe(key);
        return waiting.end.copy();
    }

    private boolean isFresh(long since) {
        return clockwork.nanoTime().getAsLong() - since < settings.absentFor().toNanos();
    }

    /// A resource came under this name or alias.
    void found(String key) {
        if (pending.containsKey(key) || settled.containsKey(key)) {
            settle(key, EXISTS, LookupEnd.ANSWERED);
        }
    }

    /// The name was listed as removed, which is also how "not found" is said.
    void absent(String key) {
        if (pending.containsKey(key) || settled.containsKey(key)) {
            settle(key, clockwork.nanoTime().getAsLong(), LookupEnd.ABSENT);
        }
    }

    private void settle(String key, long since, LookupEnd end) {
        forget(key);
        settled.put(key, since);
        if (since != EXISTS) {
            absentByAge.put(key, true);
            if (absentByAge.size() > settings.mostAbsent()) {
                String oldest = absentByAge.firstEntry().getKey();
                forget(oldest);
                requests.unsubscribe(oldest);
            }
        }
        complete(pending.remove(key), end);
    }

    private void forget(String key) {
        settled.remove(key);
        absentByAge.remove(key);
    }

    private static void complete(@Nullable Waiting waiting, LookupEnd end) {
        if (waiting != null) {
            if (waiting.timeout != null) {
                waiting.timeout.cancel(false);
            }
            waiting.end.complete(end);
        }
    }

    /// A subscription lives as long as its stream; only those still waited for go on to the next.
    void onStreamEnd() {
        settled.clear();
        absentByAge.clear();
    }

    List<String> pendingKeys() {
        return new ArrayList<>(pending.keySet());
    }

    void close() {
        for (Waiting waiting : new ArrayList<>(pending.values())) {
            complete(waiting, LookupEnd.TIMED_OUT);
        }
        pending.clear();
    }
}
