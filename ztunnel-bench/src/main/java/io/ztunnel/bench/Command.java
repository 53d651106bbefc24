package io.ztunnel.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A short command without a shell, run to its end or to a deadline.
final class Command {
    /// What setting up namespaces may take on a very busy machine.
    private static final Duration SETUP = Duration.ofSeconds(15);

    private Command() {}

    /// Runs the command and returns what it wrote.
    ///
    /// @throws LabFailure when it ends with another status than 0 or not within 15 s
    static String run(String... words) {
        return run(SETUP, "", List.of(words));
    }

    /// @param input what the command reads; at most a few kilobytes
    static String run(Duration limit, String input, List<String> words) {
        try {
            Path output = Files.createTempFile("ztunnel-bench", ".out");
            try {
                return run(limit, input, words, output);
            } finally {
                Files.delete(output);
            }
        } catch (IOException problem) {
            throw new LabFailure("cannot run " + words.getFirst(), problem);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LabFailure("interrupted during " + words.getFirst(), interrupted);
        }
    }

    private static String run(Duration limit, String input, List<String> words, Path output)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            try (OutputStream stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(UTF_8));
            }
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new LabFailure(String.join(" ", words) + " did not end in time");
            }
        } finally {
            process.destroyForcibly();
        }
        String text = Files.readString(output);
        if (process.exitValue() != 0) {
            throw new LabFailure(String.join(" ", words) + ": " + text.strip());
        }
        return text;
    }
}
