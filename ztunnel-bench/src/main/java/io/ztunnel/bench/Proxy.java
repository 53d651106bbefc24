package io.ztunnel.bench;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// One proxy in one pod, started and stopped as often as is wanted. One thread.
final class Proxy {
    private static final Duration START = Duration.ofSeconds(30);

    private final Lab lab;
    private final String name;
    private final Pod pod;
    private final List<String> words;
    private final Map<String, String> settings;
    private final Agent watcher;
    private final String readyQuestion;
    private @Nullable Daemon daemon;

    /// @param watcher a program in the same pod, which sees when the proxy is ready
    /// @param readyQuestion what to ask it, without the time limit
    Proxy(
            Lab lab,
            String name,
            Pod pod,
            List<String> words,
            Map<String, String> settings,
            Agent watcher,
            String readyQuestion) {
        this.lab = lab;
        this.name = name;
        this.pod = pod;
        this.words = words;
        this.settings = settings;
        this.watcher = watcher;
        this.readyQuestion = readyQuestion;
    }

    /// Starts it and returns the milliseconds from exec until it said that it is ready.
    double start() {
        Daemon started = lab.start(name, pod, words, settings);
        daemon = started;
        String question = readyQuestion + " " + START.toMillis();
        try {
            double at = watcher.ask(START.plusSeconds(5), question).getOrDefault("at", 0.0);
            return (at - started.startedAt()) / 1e6;
        } catch (LabFailure problem) {
            throw started.failure("did not get ready (" + problem.getMessage() + ")");
        }
    }

    void stop() {
        if (daemon != null) {
            daemon.stop();
            daemon = null;
        }
    }

    /// The running process.
    ///
    /// @throws LabFailure when it is not running
    Daemon daemon() {
        Daemon running = daemon;
        if (running == null) {
            throw new LabFailure(name + " was not started");
        }
        running.requireAlive();
        return running;
    }
}
