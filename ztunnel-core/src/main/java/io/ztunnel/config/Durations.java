package io.ztunnel.config;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads durations (docs/spec/config-observability-dns.md 1.6): `90`, `1h30m`, `1m+30s`, `1.5s`.
final class Durations {
    private static final Pattern TOKEN =
            Pattern.compile("\\s*(\\d+(?:\\.\\d+)?)\\s*([a-zA-Zµμ]*)\\s*");
    private static final BigDecimal MOST = BigDecimal.valueOf(Long.MAX_VALUE / 2);

    private static final Map<String, Long> NANOS =
            Map.ofEntries(
                    Map.entry("", 1_000_000_000L),
                    Map.entry("y", 31_557_600L * 1_000_000_000L),
                    Map.entry("mon", 2_629_800L * 1_000_000_000L),
                    Map.entry("w", 604_800L * 1_000_000_000L),
                    Map.entry("d", 86_400L * 1_000_000_000L),
                    Map.entry("h", 3_600L * 1_000_000_000L),
                    Map.entry("m", 60L * 1_000_000_000L),
                    Map.entry("s", 1_000_000_000L),
                    Map.entry("ms", 1_000_000L),
                    Map.entry("µs", 1_000L),
                    Map.entry("us", 1_000L),
                    Map.entry("ns", 1L));

    private Durations() {}

    /// @throws IllegalArgumentException saying what is wrong
    static Duration parse(String text) {
        BigDecimal product = BigDecimal.ONE.movePointRight(9);
        boolean multiplied = text.indexOf('*') >= 0;
        BigDecimal sum = BigDecimal.ZERO;
        for (String term : text.split(multiplied ? "\\*" : "\\+", -1)) {
            BigDecimal value = term(term, text);
            sum = sum.add(value);
            product = product.multiply(value).movePointLeft(9);
        }
        BigDecimal nanos = multiplied ? product : sum;
        if (nanos.compareTo(MOST) > 0) {
            throw new IllegalArgumentException("duration is too long: " + text);
        }
        return Duration.ofNanos(nanos.setScale(0, RoundingMode.DOWN).longValueExact());
    }

    private static BigDecimal term(String term, String whole) {
        Matcher token = TOKEN.matcher(term);
        BigDecimal sum = BigDecimal.ZERO;
        int at = 0;
        while (at < term.length()) {
            if (!token.find(at) || token.start() != at) {
                break;
            }
            String unit = token.group(2).replace('μ', 'µ').toLowerCase(Locale.ROOT);
            Long nanos = NANOS.get(unit);
            if (nanos == null) {
                throw new IllegalArgumentException("unknown time unit '" + token.group(2) + "'");
            }
            sum = sum.add(new BigDecimal(token.group(1)).multiply(BigDecimal.valueOf(nanos)));
            at = token.end();
        }
        if (at == 0 || at < term.length()) {
            throw new IllegalArgumentException("not a duration: '" + whole + "'");
        }
        return sum;
    }
}
