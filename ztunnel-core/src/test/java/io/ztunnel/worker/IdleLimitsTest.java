package io.ztunnel.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class IdleLimitsTest {
    private static final Duration OFF = Duration.ZERO;

    @Test
    void withoutLimitsConnectionsAreLookedAtEveryTenSeconds() {
        assertThat(new IdleLimits(OFF, OFF, OFF, OFF, OFF).period())
                .isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void aLimitIsExceededByAQuarterAtMost() {
        assertThat(new IdleLimits(OFF, Duration.ofSeconds(8), OFF, OFF, OFF).period())
                .isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void theShortestIsATenthOfASecond() {
        assertThat(new IdleLimits(OFF, OFF, OFF, OFF, Duration.ofMillis(1)).period())
                .isEqualTo(Duration.ofMillis(100));
    }

    @Test
    void eachPortHasItsOwn() {
        IdleLimits limits =
                new IdleLimits(
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(3),
                        OFF,
                        OFF);
        assertThat(limits.of(LiveConnection.Port.OUTBOUND)).isEqualTo(Duration.ofSeconds(1));
        assertThat(limits.of(LiveConnection.Port.TUNNELLED)).isEqualTo(Duration.ofSeconds(2));
        assertThat(limits.of(LiveConnection.Port.PLAINTEXT)).isEqualTo(Duration.ofSeconds(3));
    }
}
