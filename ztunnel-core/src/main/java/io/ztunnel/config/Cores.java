package io.ztunnel.config;

import org.jspecify.annotations.Nullable;

import java.math.BigDecimal;
import java.math.RoundingMode;

/// How many event loops there should be (docs/spec/config-observability-dns.md 1.5). Pure.
///
/// @param logical the machine's logical CPUs
/// @param cpuLimit `ZTUNNEL_CPU_LIMIT`
/// @param resourceLimit `ZTUNNEL_RESOURCE_CPU_LIMIT`, rounded up
/// @param resourceRequest `ZTUNNEL_RESOURCE_CPU_REQUEST`, rounded up
record Cores(
        int logical,
        @Nullable Integer cpuLimit,
        @Nullable Integer resourceLimit,
        @Nullable Integer resourceRequest) {

    int available() {
        if (resourceLimit != null) {
            return resourceLimit;
        }
        return cpuLimit == null ? logical : cpuLimit;
    }

    /// @param asked `ZTUNNEL_WORKER_THREADS`, null where unset
    /// @param concurrency of ProxyConfig, null where unset
    /// @throws IllegalArgumentException where the asked text is no count and no percentage
    int workers(@Nullable String asked, @Nullable Integer concurrency) {
        if (asked != null) {
            return Math.max(1, asked(asked));
        }
        if (concurrency != null) {
            return Math.max(1, concurrency == 0 ? available() : concurrency);
        }
        int request = resourceRequest == null ? 0 : resourceRequest;
        if (resourceLimit != null) {
            return Math.max(1, Math.max(resourceLimit, request));
        }
        return Math.max((available() + 3) / 4, Math.max(request, 2));
    }

    private int asked(String text) {
        if (!text.endsWith("%")) {
            int count = Integer.parseInt(text);
            if (count < 0) {
                throw new NumberFormatException();
            }
            return count == 0 ? available() : count;
        }
        BigDecimal percent = new BigDecimal(text.substring(0, text.length() - 1).strip());
        if (percent.signum() <= 0 || percent.compareTo(BigDecimal.valueOf(100)) > 0) {
            throw new IllegalArgumentException("percentage must be between 0 and 100");
        }
        return percent.multiply(BigDecimal.valueOf(available()))
                .movePointLeft(2)
                .setScale(0, RoundingMode.CEILING)
                .intValueExact();
    }

    /// Reads a Kubernetes CPU quantity and rounds up: `500m` is 1, `1.5` is 2.
    ///
    /// @throws IllegalArgumentException `must be a positive CPU quantity`
    static int quantity(String text) {
        try {
            boolean milli = text.endsWith("m");
            BigDecimal cores =
                    new BigDecimal(milli ? text.substring(0, text.length() - 1) : text)
                            .movePointLeft(milli ? 3 : 0);
            if (cores.signum() > 0) {
                return cores.setScale(0, RoundingMode.CEILING).intValueExact();
            }
        } catch (ArithmeticException | NumberFormatException malformed) {
            throw new IllegalArgumentException("must be a positive CPU quantity", malformed);
        }
        throw new IllegalArgumentException("must be a positive CPU quantity");
    }
}
