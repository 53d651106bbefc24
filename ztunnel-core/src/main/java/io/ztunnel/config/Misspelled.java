package io.ztunnel.config;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// Finds variables that look like ours but are not: a setting that is misspelled is silently at its
/// default otherwise. Only a warning, because an environment holds other people's variables, too.
final class Misspelled {
    private static final int FARTHEST = 2;

    /// Names too short to tell a misspelling from another word.
    private static final int SHORTEST = 8;

    /// Set by the chart and read by nobody.
    private static final List<String> KNOWN_TO_BE_UNUSED =
            List.of("INPOD_ENABLED", "PREFERRED_SERVICE_NAMESPACE");

    private Misspelled() {}

    static List<ConfigProblem> among(Map<String, String> variables) {
        List<String> ours =
                Arrays.stream(Setting.values()).map(Enum::name).collect(Collectors.toList());
        return new TreeMap<>(variables)
                .keySet().stream()
                        .filter(name -> !ours.contains(name) && !KNOWN_TO_BE_UNUSED.contains(name))
                        .filter(name -> !name.startsWith("ISTIO_META"))
                        .map(name -> suggestion(name, ours))
                        .filter(java.util.Objects::nonNull)
                        .toList();
    }

    private static @Nullable ConfigProblem suggestion(String name, List<String> ours) {
        if (name.length() < SHORTEST) {
            return null;
        }
        for (String known : ours) {
            if (known.length() >= SHORTEST && distance(name, known) <= FARTHEST) {
                return new ConfigProblem(
                        "unknown env var " + name + ": did you mean " + known + "?");
            }
        }
        return null;
    }

    /// Insertions, deletions, replacements and swaps of neighbours, counted up to one more than
    /// needed.
    static int distance(String left, String right) {
        if (Math.abs(left.length() - right.length()) > FARTHEST) {
            return FARTHEST + 1;
        }
        int[][] rows = new int[left.length() + 1][right.length() + 1];
        for (int i = 0; i <= left.length(); i++) {
            for (int j = 0; j <= right.length(); j++) {
                if (i == 0 || j == 0) {
                    rows[i][j] = i + j;
                    continue;
                }
                int same = left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1;
                int best = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1);
                best = Math.min(best, rows[i - 1][j - 1] + same);
                boolean swapped =
                        i > 1
                                && j > 1
                                && left.charAt(i - 1) == right.charAt(j - 2)
                                && left.charAt(i - 2) == right.charAt(j - 1);
                rows[i][j] = swapped ? Math.min(best, rows[i - 2][j - 2] + 1) : best;
            }
        }
        return rows[left.length()][right.length()];
    }
}
