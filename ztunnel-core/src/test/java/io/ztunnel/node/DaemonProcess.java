package io.ztunnel.node;

import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.Namespace;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A daemon that runs as a process in a namespace, ours or another one that takes the same
/// environment, and what it says.
public final class DaemonProcess {
    private final Namespace namespace;
    private final Process process;
    private final Path log;

    private DaemonProcess(Namespace namespace, Process process, Path log) {
        this.namespace = namespace;
        this.process = process;
        this.log = log;
    }

    public static DaemonProcess start(
            Namespace namespace, List<String> command, Map<String, String> environment, Path log) {
        return new DaemonProcess(
                namespace, namespace.start(command, environment, log.toFile()), log);
    }

    /// The command line of our own daemon, on the class path of the tests.
    public static List<String> ours() {
        return JavaProgram.of("io.ztunnel.Main", "proxy", "ztunnel");
    }

    /// Another program of ours, as small as the daemon is here.
    public static List<String> java(String main, String... arguments) {
        return JavaProgram.of(main, arguments);
    }

    public boolean isReady() {
        return namespace
                .tryRun("curl", "-fsS", "--max-time", "2", "http://127.0.0.1:15021/healthz/ready")
                .succeeded();
    }

    public String get(String url) {
        return namespace.tryRun("curl", "-sS", "--max-time", "5", url).output();
    }

    /// The metrics lines that start with a name, summed.
    public long metric(String name, String label) {
        return get("http://127.0.0.1:15020/metrics")
                .lines()
                .filter(line -> line.startsWith(name + "{") && line.contains(label))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    public List<String> lines(String part) {
        try {
            return Files.readAllLines(log).stream().filter(line -> line.contains(part)).toList();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    public String tail() {
        List<String> all = lines("");
        return String.join("\n", all.subList(Math.max(0, all.size() - 15), all.size()));
    }

    public Process process() {
        return process;
    }
}
