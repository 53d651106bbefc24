package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A running process and its children, their log, and what they cost.
///
/// Thread-safe.
final class Daemon {
    /// What of the caller's environment a daemon sees; the rest is given to it explicitly, so that
    /// two variants cannot differ by what somebody had exported.
    private static final List<String> INHERITED = List.of("PATH", "HOME", "JAVA_HOME", "LANG");

    private final String name;
    private final Process process;
    private final Path log;
    private final long startedAt;

    private Daemon(String name, Process process, Path log, long startedAt) {
        this.name = name;
        this.process = process;
        this.log = log;
        this.startedAt = startedAt;
    }

    /// @param talks whether its standard output is for the caller to read; else it goes to the log
    static Daemon start(
            String name,
            List<String> words,
            Map<String, String> settings,
            Path log,
            boolean talks) {
        ProcessBuilder builder = new ProcessBuilder(words);
        Map<String, String> inherited = new HashMap<>(System.getenv());
        inherited.keySet().retainAll(INHERITED);
        builder.environment().clear();
        builder.environment().putAll(inherited);
        builder.environment().putAll(settings);
        if (talks) {
            builder.redirectError(log.toFile());
        } else {
            builder.redirectErrorStream(true).redirectOutput(log.toFile());
        }
        try {
            long now = System.nanoTime();
            return new Daemon(name, builder.start(), log, now);
        } catch (IOException problem) {
            throw new LabFailure("cannot start " + name, problem);
        }
    }

    /// The raw process; whoever talks with it by its standard streams owns them.
    Process process() {
        return process;
    }

    /// [System#nanoTime] right before it was started.
    long startedAt() {
        return startedAt;
    }

    /// Fails with the end of its log when the process has ended.
    void requireAlive() {
        if (!process.isAlive()) {
            throw failure("ended with status " + process.exitValue());
        }
    }

    LabFailure failure(String what) {
        return new LabFailure(name + " " + what + "; it said: " + lastWords());
    }

    /// CPU seconds used so far by the process and its children, user and kernel.
    double cpuSeconds() {
        return ProcFs.cpuSeconds(process.toHandle());
    }

    /// Resident memory in bytes, of the process and its children.
    long residentBytes() {
        return ProcFs.residentBytes(process.toHandle());
    }

    /// Asks it to end, waits up to 3 s, then makes it.
    void stop() {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        try {
            if (!process.waitFor(3, TimeUnit.SECONDS)) {
                kill();
                process.waitFor(3, TimeUnit.SECONDS);
            }
        } catch (InterruptedException interrupted) {
            kill();
            Thread.currentThread().interrupt();
        }
    }

    void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    private String lastWords() {
        try {
            List<String> lines = Files.readAllLines(log);
            int from = Math.max(0, lines.size() - 5);
            return String.join(" | ", lines.subList(from, lines.size()));
        } catch (IOException unreadable) {
            return "(nothing readable)";
        }
    }
}
