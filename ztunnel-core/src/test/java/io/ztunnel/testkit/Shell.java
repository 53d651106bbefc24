package io.ztunnel.testkit;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Runs a program to its end and keeps what it said.
public final class Shell {
    private static final long LIMIT_SECONDS = 30;

    private Shell() {}

    /// How a program ended.
    ///
    /// @param status exit status
    /// @param output standard output and error, mixed as they came
    public record Outcome(int status, String output) {
        public boolean succeeded() {
            return status == 0;
        }
    }

    /// Runs it, whatever its exit status.
    public static Outcome tryRun(List<String> command) {
        return tryRun(command, "");
    }

    /// @throws IllegalStateException with everything it printed, when it ends with failure
    public static String run(List<String> command) {
        return run(command, "");
    }

    /// @param input what it reads from its standard input
    public static String run(List<String> command, String input) {
        Outcome outcome = tryRun(command, input);
        if (!outcome.succeeded()) {
            throw new IllegalStateException(
                    String.join(" ", command)
                            + " ended with "
                            + outcome.status()
                            + ": "
                            + outcome.output().strip()
                            + (input.isEmpty() ? "" : "\nInput was:\n" + input));
        }
        return outcome.output();
    }

    private static Outcome tryRun(List<String> command, String input) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (OutputStream stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException programDidNotWantIt) {
                // Its exit status tells the story.
            }
            Thread watch = Thread.ofVirtual().start(() -> endAfterLimit(process));
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int status = process.waitFor();
            watch.interrupt();
            return new Outcome(status, output);
        } catch (IOException cannotStart) {
            throw new UncheckedIOException(cannotStart);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while running " + command, stopped);
        }
    }

    private static void endAfterLimit(Process process) {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }
}
