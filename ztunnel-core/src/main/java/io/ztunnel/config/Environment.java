package io.ztunnel.config;

import org.jspecify.annotations.Nullable;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Typed reads of variables: a value that does not parse becomes a problem and the default, so that
/// reading goes on and all problems are found. Reasons are worded as operators know them.
final class Environment {
    private final Map<String, String> variables;
    private final List<ConfigProblem> problems;

    Environment(Map<String, String> variables, List<ConfigProblem> problems) {
        this.variables = variables;
        this.problems = problems;
    }

    boolean isSet(Setting setting) {
        return text(setting) != null;
    }

    @Nullable String text(Setting setting) {
        return variables.get(setting.name());
    }

    String text(Setting setting, String otherwise) {
        return variables.getOrDefault(setting.name(), otherwise);
    }

    /// Set and not empty, or null.
    @Nullable String filled(Setting setting) {
        String value = text(setting);
        return value == null || value.isEmpty() ? null : value;
    }

    Path path(Setting setting, String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException malformed) {
            problem(setting, text, String.valueOf(malformed.getMessage()));
            return Path.of("");
        }
    }

    boolean is(Setting setting, String expected) {
        return expected.equals(text(setting));
    }

    boolean bool(Setting setting, boolean otherwise) {
        Boolean read = bool(setting);
        return read == null ? otherwise : read;
    }

    @Nullable Boolean bool(Setting setting) {
        return read(setting, Environment::parseBool);
    }

    /// An unsigned number of up to 32 bits; larger ones have no use in any setting.
    long unsigned(Setting setting, int bits, long otherwise) {
        Long read = unsigned(setting, bits);
        return read == null ? otherwise : read;
    }

    @Nullable Long unsigned(Setting setting, int bits) {
        return read(setting, text -> parseUnsigned(text, bits));
    }

    /// A number that has to lie in a range, both ends included; what does not fit into the bits is
    /// told in the words of the type.
    long within(Setting setting, int bits, long least, long most, long otherwise) {
        Long read =
                read(
                        setting,
                        text -> {
                            long number = parseUnsigned(text, bits);
                            if (number < least || number > most) {
                                throw new IllegalArgumentException(
                                        "must be " + least + " to " + most);
                            }
                            return number;
                        });
        return read == null ? otherwise : read;
    }

    /// A duration of one second or more.
    Duration seconds(Setting setting, Duration otherwise) {
        Duration read =
                read(
                        setting,
                        text -> {
                            Duration duration = Durations.parse(text);
                            if (duration.toSeconds() < 1) {
                                throw new IllegalArgumentException("must be one second or more");
                            }
                            return duration;
                        });
        return read == null ? otherwise : read;
    }

    Duration duration(Setting setting, Duration otherwise) {
        Duration read = duration(setting);
        return read == null ? otherwise : read;
    }

    @Nullable Duration duration(Setting setting) {
        return read(setting, Durations::parse);
    }

    <T> @Nullable T read(Setting setting, Function<String, T> parser) {
        String value = text(setting);
        if (value == null) {
            return null;
        }
        try {
            return parser.apply(value);
        } catch (IllegalArgumentException malformed) {
            String reason = malformed.getMessage();
            problem(setting, value, reason == null ? "invalid digit found in string" : reason);
            return null;
        }
    }

    void problem(Setting setting, String value, String reason) {
        problems.add(ConfigProblem.variable(setting.name(), value, reason));
    }

    static boolean parseBool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default ->
                    throw new IllegalArgumentException("provided string was not `true` or `false`");
        };
    }

    static long parseUnsigned(String text, int bits) {
        String digits = text.startsWith("+") ? text.substring(1) : text;
        if (digits.isEmpty()) {
            throw new IllegalArgumentException(
                    text.isEmpty()
                            ? "cannot parse integer from empty string"
                            : "invalid digit found in string");
        }
        long value = 0;
        for (int i = 0; i < digits.length(); i++) {
            int digit = digits.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw new IllegalArgumentException("invalid digit found in string");
            }
            // Stops growing once it is too large, but goes on looking for wrong digits.
            value = value >>> 60 != 0 ? value : 10 * value + digit;
        }
        if (bits < 63 && value >>> bits != 0) {
            throw new IllegalArgumentException("number too large to fit in target type");
        }
        return value;
    }
}
