package io.ztunnel.observe;

import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// What the operating system and the JVM say of this process, asked at each scrape.
final class ProcessFacts {
    private ProcessFacts() {}

    /// Open descriptors without the one this count opens; -1 where it cannot be known.
    static long openFds() {
        long count = -1;
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/dev/fd"))) {
            for (Path descriptor : open) {
                count += descriptor.getNameCount() > 0 ? 1 : 0;
            }
            return count;
        } catch (IOException notLinux) {
            return -1;
        }
    }

    /// The soft limit of open descriptors; -1 where it cannot be known.
    static long maxFds() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/limits"))) {
                if (line.startsWith("Max open files")) {
                    return Long.parseLong(line.substring(14).strip().split(" +")[0]);
                }
            }
        } catch (IOException | NumberFormatException notLinux) {
            return -1;
        }
        return -1;
    }

    static long gcCount() {
        long sum = 0;
        for (GarbageCollectorMXBean each : ManagementFactory.getGarbageCollectorMXBeans()) {
            sum += Math.max(0, each.getCollectionCount());
        }
        return sum;
    }

    static long gcMillis() {
        long sum = 0;
        for (GarbageCollectorMXBean each : ManagementFactory.getGarbageCollectorMXBeans()) {
            sum += Math.max(0, each.getCollectionTime());
        }
        return sum;
    }

    static int threads() {
        return ManagementFactory.getThreadMXBean().getThreadCount();
    }
}
