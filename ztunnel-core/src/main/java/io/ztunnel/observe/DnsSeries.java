package io.ztunnel.observe;

import java.util.concurrent.atomic.LongAdder;

/// The counters of one kind of DNS question on one worker
/// (docs/spec/config-observability-dns.md 4.5).
public final class DnsSeries {
    /// Upper bounds of the buckets in seconds; one more counts the rest.
    static final double[] BOUNDS = {0.0005, 0.001, 0.01, 0.1, 1.0, 5.0};

    private final LongAdder requests = new LongAdder();
    private final LongAdder upstreamRequests = new LongAdder();
    private final LongAdder upstreamFailures = new LongAdder();
    private final LongAdder upstreamNanos = new LongAdder();
    private final LongAdder[] buckets = new LongAdder[BOUNDS.length + 1];

    DnsSeries() {
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] = new LongAdder();
        }
    }

    /// A question was handled, whatever became of it.
    public void request() {
        requests.increment();
    }

    /// A question is passed on to the upstream resolver.
    public void forwarded() {
        upstreamRequests.increment();
    }

    /// The upstream answered, or did not.
    ///
    /// @param failed an error, NXDOMAIN or no data
    public void forwardEnded(long nanos, boolean failed) {
        if (failed) {
            upstreamFailures.increment();
        }
        upstreamNanos.add(nanos);
        double seconds = nanos / 1e9;
        int bucket = 0;
        while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]) {
            bucket++;
        }
        buckets[bucket].increment();
    }

    void addTo(Sum sum) {
        sum.requests += requests.sum();
        sum.upstreamRequests += upstreamRequests.sum();
        sum.upstreamFailures += upstreamFailures.sum();
        sum.upstreamNanos += upstreamNanos.sum();
        for (int i = 0; i < buckets.length; i++) {
            sum.buckets[i] += buckets[i].sum();
        }
    }

    /// The same counters over all workers.
    static final class Sum {
        long requests;
        long upstreamRequests;
        long upstreamFailures;
        long upstreamNanos;
        final long[] buckets = new long[BOUNDS.length + 1];
    }
}
