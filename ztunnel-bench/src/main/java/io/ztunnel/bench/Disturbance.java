package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// How much of the machine others took while something was measured.
///
/// One thread; spans one measurement. Exact to about a twentieth of a core: the clock of `/proc`
/// ticks a hundred times a second.
final class Disturbance {
    /// Above this many cores a measurement is marked.
    static final double NOTEWORTHY = 0.2;

    private static final double TICKS_PER_SECOND = 100;

    private final long start = System.nanoTime();
    private final double busyBefore = busySeconds();
    private final double oursBefore = oursSeconds();

    /// Cores that processes outside this run were using, on average since this was made.
    double cores() {
        double seconds = (System.nanoTime() - start) / 1e9;
        double others = busySeconds() - busyBefore - (oursSeconds() - oursBefore);
        return Math.max(0, others / seconds);
    }

    /// This process, its living children and those it has waited for.
    private static double oursSeconds() {
        ProcessHandle self = ProcessHandle.current();
        return ProcFs.cpuSeconds(self) + ProcFs.cpuSecondsOfEndedChildren(self);
    }

    /// User, nice and system time; what interrupts take belongs to nobody.
    private static double busySeconds() {
        try {
            String[] words =
                    Files.readString(Path.of("/proc/stat"))
                            .lines()
                            .findFirst()
                            .orElse("")
                            .split(" +");
            long ticks =
                    Long.parseLong(words[1]) + Long.parseLong(words[2]) + Long.parseLong(words[3]);
            return ticks / TICKS_PER_SECOND;
        } catch (IOException problem) {
            throw new LabFailure("cannot read /proc/stat", problem);
        }
    }
}
