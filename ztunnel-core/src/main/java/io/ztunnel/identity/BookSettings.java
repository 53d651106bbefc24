package io.ztunnel.identity;

import java.time.Duration;

/// How a [CertificateBook] goes about its work.
///
/// @param concurrency calls to the CA at a time, at least one
/// @param plan when to renew and to retry
/// @param grace how long an identity that no pod has any more is kept: a pod that restarts needs no
///     new certificate
/// @param demandGap a waiting connection makes a failed identity be tried again at once, unless the
///     last try is less than this ago; then it gets that try's error
public record BookSettings(int concurrency, RenewalPlan plan, Duration grace, Duration demandGap) {
    public static final BookSettings DEFAULT =
            new BookSettings(8, RenewalPlan.DEFAULT, Duration.ofSeconds(60), Duration.ofSeconds(1));

    public BookSettings {
        if (concurrency < 1 || grace.isNegative() || demandGap.isNegative()) {
            throw new IllegalArgumentException("concurrency, grace or gap out of range");
        }
    }
}
