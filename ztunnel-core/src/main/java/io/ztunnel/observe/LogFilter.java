package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Which scopes speak from which level on: the syntax of `RUST_LOG`
/// (docs/spec/config-observability-dns.md 5.4). Immutable.
///
/// The longest scope that begins a line's scope wins, later clauses replace earlier ones for the
/// same scope.
public final class LogFilter {
    /// The directive that every rendered filter starts with. The library it silences in the
    /// reference does not exist here; consumers compare the text.
    private static final String BUILT_IN = "hickory_server::server";

    /// Levels in rising detail.
    public enum Level {
        OFF,
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE;

        /// Lower case, as lines show it.
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// By scope; the empty scope is the default.
    private final Map<String, Level> levels;

    private LogFilter(Map<String, Level> levels) {
        this.levels = levels;
    }

    /// Reads the filter of the environment, where a bare scope means all of it. Empty text is
    /// `info`.
    ///
    /// @throws IllegalArgumentException naming the clause
    public static LogFilter parse(String text) {
        Map<String, Level> levels = new LinkedHashMap<>();
        levels.put(BUILT_IN, Level.OFF);
        LogFilter read = new LogFilter(levels).with(text, true);
        if (text.isBlank()) {
            read.levels.put("", Level.INFO);
        }
        return read;
    }

    /// This filter and further clauses, as `/logging?level=` sends them: `level`, `scope=level` or
    /// `scope:level`; a bare scope is refused.
    ///
    /// @throws IllegalArgumentException naming the clause
    public LogFilter with(String clauses) {
        return with(clauses, false);
    }

    private LogFilter with(String clauses, boolean bareScopes) {
        Map<String, Level> changed = new LinkedHashMap<>(levels);
        for (String raw : clauses.split(",", -1)) {
            String clause = raw.strip();
            if (clause.isEmpty()) {
                if (bareScopes) {
                    continue;
                }
                throw new IllegalArgumentException(raw);
            }
            Level bare = level(clause);
            if (bare != null) {
                changed.put("", bare);
                continue;
            }
            int split = separator(clause);
            Level level = split < 0 ? null : level(clause.substring(split + 1).strip());
            if (level != null && split > 0) {
                changed.put(clause.substring(0, split).strip(), level);
            } else if (split < 0 && bareScopes && clause.matches("[A-Za-z0-9_.:-]+")) {
                changed.put(clause, Level.TRACE);
            } else {
                throw new IllegalArgumentException(clause);
            }
        }
        return new LogFilter(changed);
    }

    /// The last `=`, or the last single colon: scopes themselves hold double ones.
    private static int separator(String clause) {
        int equals = clause.lastIndexOf('=');
        if (equals >= 0) {
            return equals;
        }
        int colon = clause.lastIndexOf(':');
        return colon > 0 && clause.charAt(colon - 1) == ':' ? -1 : colon;
    }

    private static @Nullable Level level(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "off" -> Level.OFF;
            case "error" -> Level.ERROR;
            case "warn" -> Level.WARN;
            case "info" -> Level.INFO;
            case "debug" -> Level.DEBUG;
            case "trace" -> Level.TRACE;
            default -> null;
        };
    }

    /// The level of a scope.
    public Level levelOf(String scope) {
        Level found = defaultLevel();
        int longest = 0;
        for (Map.Entry<String, Level> each : levels.entrySet()) {
            if (each.getKey().length() > longest && scope.startsWith(each.getKey())) {
                longest = each.getKey().length();
                found = each.getValue();
            }
        }
        return found;
    }

    Level defaultLevel() {
        // With clauses for scopes only, the rest is silent above errors, as filters of this kind
        // are.
        return levels.getOrDefault("", Level.ERROR);
    }

    Map<String, Level> levels() {
        return levels;
    }

    /// The text that `/logging` answers: longer scopes first, the default last.
    @Override
    public String toString() {
        List<String> scopes = new ArrayList<>(levels.keySet());
        scopes.sort(
                Comparator.comparingInt((String scope) -> -scope.length())
                        .thenComparing(Comparator.naturalOrder()));
        scopes.remove(BUILT_IN);
        StringBuilder text = new StringBuilder();
        clause(text, BUILT_IN);
        for (String scope : scopes) {
            clause(text, scope);
        }
        return text.toString();
    }

    private void clause(StringBuilder text, String scope) {
        if (!text.isEmpty()) {
            text.append(',');
        }
        if (!scope.isEmpty()) {
            text.append(scope).append('=');
        }
        text.append(levels.getOrDefault(scope, Level.ERROR).text());
    }
}
