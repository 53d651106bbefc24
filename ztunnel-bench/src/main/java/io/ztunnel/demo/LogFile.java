package io.ztunnel.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Reads what a process of the story logs while it runs.
final class LogFile {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Path path;
    private int seen;

    LogFile(Path path) {
        this.path = path;
    }

    /// Everything so far is old news.
    void mark() {
        seen = lines(path).size();
    }

    /// The first line since the mark that is wanted, waiting for it a while.
    Optional<String> await(Predicate<String> wanted) {
        return Until.present(PATIENCE, () -> find(wanted));
    }

    /// The first line since the mark that is wanted, if it is there already.
    Optional<String> find(Predicate<String> wanted) {
        return lines(path).stream().skip(seen).filter(wanted).findFirst();
    }

    /// Its last lines.
    String tail(int count) {
        return tail(path, count);
    }

    static String tail(Path path, int count) {
        List<String> lines = lines(path);
        return String.join("\n", lines.subList(Math.max(0, lines.size() - count), lines.size()));
    }

    private static List<String> lines(Path path) {
        try {
            return Files.exists(path) ? Files.readAllLines(path) : List.of();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
