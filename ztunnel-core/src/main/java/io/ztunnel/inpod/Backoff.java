package io.ztunnel.inpod;

import java.time.Duration;

/// How long to wait before the next attempt: doubling up to a limit.
///
/// For connections it is one series for every cause. It starts over only after a connection that
/// was of use, so that an agent which accepts us and then hangs up is not asked ever so often
/// (docs/spec/inpod-and-deployment.md 1.7). One thread.
final class Backoff {
    private final Duration first;
    private final Duration limit;
    private Duration next;

    Backoff(Duration first, Duration limit) {
        this.first = first;
        this.limit = limit;
        this.next = first;
    }

    Duration next() {
        Duration now = next;
        Duration doubled = now.multipliedBy(2);
        next = doubled.compareTo(limit) > 0 ? limit : doubled;
        return now;
    }

    void startOver() {
        next = first;
    }
}
