package io.ztunnel.identity;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;

class RenewalPlanTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final RenewalPlan EXACT = new RenewalPlan(Duration.ZERO, 0, 0.25);

    private final Random random = new Random(1);

    private Instant renew(RenewalPlan plan, Instant from, Instant to) {
        return plan.renewAt(from, to, NOW, random);
    }

    @Test
    void E48_halfOfTheLifetime() {
        assertThat(renew(EXACT, NOW, NOW.plusSeconds(1000))).isEqualTo(NOW.plusSeconds(500));
    }

    @Test
    void E49_noLifetimeIsDueNow() {
        assertThat(renew(EXACT, NOW, NOW)).isEqualTo(NOW);
    }

    @Test
    void E50_aStartInTheFutureOnlyMeansLater() {
        assertThat(renew(EXACT, NOW.plusSeconds(1000), NOW.plusSeconds(2000)))
                .isEqualTo(NOW.plusSeconds(1500));
    }

    @Test
    void anEndBeforeTheStartIsDueAtTheEnd() {
        assertThat(renew(EXACT, NOW.plusSeconds(2000), NOW.plusSeconds(1000)))
                .isEqualTo(NOW.plusSeconds(1000));
    }

    @Test
    void theFloorHolds() {
        RenewalPlan plan = RenewalPlan.DEFAULT;
        assertThat(renew(plan, NOW.minusSeconds(120), NOW.plusSeconds(60)))
                .isEqualTo(NOW.plusSeconds(30));
    }

    @Test
    void renewalsOfOneMomentSpread() {
        Instant earliest = Instant.MAX;
        Instant latest = Instant.MIN;
        for (int i = 0; i < 1000; i++) {
            Instant at = renew(RenewalPlan.DEFAULT, NOW, NOW.plusSeconds(10_000));
            earliest = at.isBefore(earliest) ? at : earliest;
            latest = at.isAfter(latest) ? at : latest;
        }
        assertThat(earliest).isBetween(NOW.plusSeconds(4_000), NOW.plusSeconds(4_100));
        assertThat(latest).isBetween(NOW.plusSeconds(5_900), NOW.plusSeconds(6_000));
    }

    @Test
    void retriesDoubleUpToTheCap() {
        int[] nominal = {1, 2, 4, 8, 16, 32, 64, 128, 150, 150, 150};
        for (int i = 0; i < nominal.length; i++) {
            Duration wait = Duration.between(NOW, EXACT.retryAt(i + 1, NOW, NOW, random));
            assertThat(wait.toMillis()).isBetween(nominal[i] * 800L, nominal[i] * 1200L);
        }
        assertThat(EXACT.retryAt(Integer.MAX_VALUE, NOW, NOW, random))
                .isBefore(NOW.plusSeconds(181));
    }

    @Test
    void aRetryIsNoLaterThanTheExpiryOfWhatIsInUse() {
        assertThat(EXACT.retryAt(9, NOW, NOW.plusSeconds(10), random))
                .isEqualTo(NOW.plusSeconds(10));
    }

    @Test
    void theAlarmComesWellBeforeTheEnd() {
        assertThat(EXACT.alarmAt(NOW, NOW.plusSeconds(1000))).isEqualTo(NOW.plusSeconds(750));
    }
}
