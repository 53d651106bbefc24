package io.ztunnel.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.SplittableRandom;

class LatencyHistogramTest {
    private final LatencyHistogram histogram = new LatencyHistogram();

    @Test
    void smallValuesAreExact() {
        for (int i = 1; i <= 100; i++) {
            histogram.record(i);
        }
        assertThat(histogram.quantile(0.5)).isEqualTo(50);
        assertThat(histogram.quantile(0.99)).isEqualTo(99);
        assertThat(histogram.quantile(1)).isEqualTo(100);
    }

    @Test
    void everyQuantileIsWithinASixtyFourthOfTheSortedValue() {
        SplittableRandom random = new SplittableRandom(7);
        long[] values = random.longs(10_000, 1, 5_000_000_000L).toArray();
        for (long value : values) {
            histogram.record(value);
        }
        Arrays.sort(values);
        for (double share : new double[] {0.01, 0.5, 0.9, 0.99, 0.999}) {
            long exact = values[(int) Math.ceil(share * values.length) - 1];
            assertThat((double) histogram.quantile(share))
                    .isCloseTo((double) exact, within(exact / 64.0));
        }
    }

    @Test
    void theLargestValueHasABucket() {
        histogram.record(Long.MAX_VALUE);
        assertThat((double) histogram.quantile(0.5)).isCloseTo(0x1p63, within(0x1p57));
    }

    @Test
    void negativeCountsAsZeroAndNothingAsNothing() {
        assertThat(histogram.quantile(0.5)).isZero();
        histogram.record(-5);
        assertThat(histogram.count()).isEqualTo(1);
        assertThat(histogram.quantile(0.5)).isZero();
    }

    @Test
    void clearedIsEmpty() {
        histogram.record(7);
        histogram.clear();
        assertThat(histogram.count()).isZero();
        assertThat(histogram.quantile(0.5)).isZero();
    }
}
