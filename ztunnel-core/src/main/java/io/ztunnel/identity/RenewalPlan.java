package io.ztunnel.identity;

import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;

/// When to ask the CA again. Pure but for the random numbers it is given.
///
/// Renewal is at half of the lifetime (docs/spec/identity-and-tls.md 3.5) give or take a tenth, so
/// that what was issued together is not renewed together, and never sooner than the floor after the
/// answer: istiod dates certificates two minutes back, so with a lifetime of two minutes half of it
/// is over on arrival.
///
/// Retries start at one second and double up to 150 s, each give or take a fifth (3.6).
///
/// @param floor least time between an answer and the next request for the same identity
/// @param jitter share of the lifetime by which a renewal may move either way, 0 to 0.25
/// @param alarmShare share of the lifetime that is left when a certificate that could not be
///     renewed is worth an alarm, 0 to 0.5
public record RenewalPlan(Duration floor, double jitter, double alarmShare) {
    public static final RenewalPlan DEFAULT = new RenewalPlan(Duration.ofSeconds(30), 0.1, 0.25);

    private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
    private static final Duration LAST_RETRY = Duration.ofSeconds(150);
    private static final double RETRY_JITTER = 0.2;
    private static final int MAX_DOUBLINGS = 8;

    public RenewalPlan {
        if (floor.isNegative()
                || !(jitter >= 0 && jitter <= 0.25)
                || !(alarmShare >= 0 && alarmShare <= 0.5)) {
            throw new IllegalArgumentException("floor, jitter or alarm out of range");
        }
    }

    /// When to renew a certificate that has just been issued.
    ///
    /// Never sooner than the floor from now and otherwise not after its expiry. A lifetime that
    /// ends before it begins counts as over.
    public Instant renewAt(
            Instant notBefore, Instant notAfter, Instant now, RandomGenerator random) {
        Duration lifetime = Duration.between(notBefore, notAfter);
        Instant due;
        if (lifetime.isNegative()) {
            due = notAfter;
        } else {
            double share = 0.5 + jitter * (2 * random.nextDouble() - 1);
            due = notBefore.plus(scaled(lifetime, share));
        }
        Instant earliest = now.plus(floor);
        return due.isBefore(earliest) ? earliest : due;
    }

    /// When to try again after a failure.
    ///
    /// @param failures how many there have been in a row, at least one
    /// @param notAfter end of the certificate still in use; the last try is made at that time
    public Instant retryAt(int failures, Instant now, Instant notAfter, RandomGenerator random) {
        int doublings = Math.min(failures - 1, MAX_DOUBLINGS);
        Duration nominal = FIRST_RETRY.multipliedBy(1L << doublings);
        if (nominal.compareTo(LAST_RETRY) > 0) {
            nominal = LAST_RETRY;
        }
        Instant due = now.plus(scaled(nominal, 1 + RETRY_JITTER * (2 * random.nextDouble() - 1)));
        return notAfter.isAfter(now) && due.isAfter(notAfter) ? notAfter : due;
    }

    /// From when on a certificate that is still not renewed is worth an alarm.
    public Instant alarmAt(Instant notBefore, Instant notAfter) {
        Duration lifetime = Duration.between(notBefore, notAfter);
        return lifetime.isNegative() ? notAfter : notAfter.minus(scaled(lifetime, alarmShare));
    }

    private static Duration scaled(Duration duration, double factor) {
        return Duration.ofMillis(Math.round(duration.toMillis() * factor));
    }
}
