package io.ztunnel.bench.load;

import java.util.Arrays;

/// Counts durations in buckets no wider than 1/64 of their value, without allocating.
///
/// One owner thread. Values are nanoseconds; what is negative counts as 0 and nothing is too large.
public final class LatencyHistogram {
    /// Values below this have a bucket of their own; above, every power of two has half as many.
    private static final int EXACT = 128;

    private static final int HALF = EXACT / 2;
    private static final int BUCKETS = EXACT + HALF * (Long.SIZE - 1 - 7);

    private final long[] counts = new long[BUCKETS];
    private long total;

    public void record(long nanos) {
        counts[bucketOf(Math.max(0, nanos))]++;
        total++;
    }

    public long count() {
        return total;
    }

    public void clear() {
        Arrays.fill(counts, 0);
        total = 0;
    }

    /// The value in nanoseconds that `share` of the recorded ones do not exceed, to 1/64 of itself;
    /// 0 when nothing was recorded.
    ///
    /// @param share in (0, 1], 0.5 for the median
    public long quantile(double share) {
        long wanted = Math.max(1, (long) Math.ceil(share * total));
        long seen = 0;
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            seen += counts[bucket];
            if (seen >= wanted) {
                return middleOf(bucket);
            }
        }
        return 0;
    }

    private static int bucketOf(long value) {
        if (value < EXACT) {
            return (int) value;
        }
        int shift = Long.SIZE - Long.numberOfLeadingZeros(value) - 7;
        return EXACT + (shift - 1) * HALF + (int) (value >>> shift) - HALF;
    }

    private static long middleOf(int bucket) {
        if (bucket < EXACT) {
            return bucket;
        }
        int shift = (bucket - EXACT) / HALF + 1;
        long lowest = (long) ((bucket - EXACT) % HALF + HALF) << shift;
        return lowest + (1L << (shift - 1));
    }
}
