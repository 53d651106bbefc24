package io.ztunnel.bench;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// The medians and ratios of a run as a Markdown table.
final class ReportTable {
    private ReportTable() {}

    /// A ratio is the first variant's median over the second's; `+` marks better, `-` worse, and
    /// none that the two are within 15 %, which is the noise of a shared machine.
    static String of(Results results, List<Variant> variants) {
        List<String> names = variants.stream().map(Variant::name).toList();
        List<String[]> pairs = pairs(names);
        StringBuilder table = new StringBuilder("| scenario | measured | unit |");
        names.forEach(name -> table.append(' ').append(name).append(" |"));
        pairs.forEach(
                pair -> table.append(' ').append(pair[0]).append('/').append(pair[1]).append(" |"));
        table.append("\n|---|---|---|").append("---|".repeat(names.size() + pairs.size()));
        for (Results.Line line : results.lines()) {
            table.append("\n| ")
                    .append(line.scenario())
                    .append(" | ")
                    .append(line.metric().label());
            table.append(" | ").append(line.metric().unit()).append(" |");
            for (String name : names) {
                table.append(' ').append(cell(results.series(line, name))).append(" |");
            }
            for (String[] pair : pairs) {
                Optional<Double> ratio = results.ratio(line, pair[0], pair[1]);
                table.append(' ')
                        .append(ratio.map(r -> mark(r, line.metric())).orElse(""))
                        .append(" |");
            }
        }
        return table.append('\n').toString();
    }

    /// Ours over each of the others, and upstream over haproxy.
    static List<String[]> pairs(List<String> names) {
        return List.of(
                        new String[] {Variant.OURS, Variant.UPSTREAM},
                        new String[] {Variant.OURS, Variant.HAPROXY},
                        new String[] {Variant.OURS, Variant.DIRECT},
                        new String[] {Variant.AGAIN, Variant.OURS},
                        new String[] {Variant.UPSTREAM, Variant.HAPROXY})
                .stream()
                .filter(pair -> names.contains(pair[0]) && names.contains(pair[1]))
                .collect(Collectors.toList());
    }

    private static String cell(Optional<Results.Series> series) {
        return series.map(
                        s ->
                                s.values().size() == 1
                                        ? number(s.median())
                                        : "%s (%s-%s)"
                                                .formatted(
                                                        number(s.median()),
                                                        number(s.least()),
                                                        number(s.most())))
                .orElse("");
    }

    private static String mark(double ratio, Metric metric) {
        boolean more = ratio > 1;
        String sign = Math.abs(ratio - 1) < 0.15 ? "" : more == metric.moreIsBetter() ? " +" : " -";
        return String.format(Locale.ROOT, "%.2f%s", ratio, sign);
    }

    /// Three significant digits, all of them before the point when there are more.
    static String number(double value) {
        double size = Math.abs(value);
        int digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
