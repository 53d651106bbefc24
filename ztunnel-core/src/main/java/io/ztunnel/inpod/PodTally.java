package io.ztunnel.inpod;

import io.ztunnel.net.RefusedPort;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.TreeMap;

/// How often what has happened to pods since the process began. One thread.
final class PodTally {
    private final Map<Integer, Long> refusedPorts = new TreeMap<>();
    private long started;
    private long stopped;
    private long failedAttempts;
    private long refused;

    void started() {
        started++;
    }

    void stopped() {
        stopped++;
    }

    /// @param cause of the failed attempt to start a pod
    void failed(@Nullable Throwable cause) {
        failedAttempts++;
        if (cause instanceof RefusedPort port) {
            refusedPorts.merge(port.port(), 1L, Long::sum);
        }
    }

    /// A pod came without a namespace of its own.
    void refused() {
        refused++;
    }

    PodReport.Counts counts(int active, int pending) {
        return new PodReport.Counts(
                active,
                pending,
                started,
                stopped,
                failedAttempts,
                refused,
                Map.copyOf(refusedPorts));
    }
}
