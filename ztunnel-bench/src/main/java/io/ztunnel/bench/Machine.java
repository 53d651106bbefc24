package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;

/// What the numbers were measured on.
record Machine(String date, String kernel, String processor, int cores, String load) {
    static Machine here() {
        return new Machine(
                LocalDate.now(ZoneOffset.UTC).toString(),
                read("/proc/sys/kernel/osrelease"),
                read("/proc/cpuinfo")
                        .lines()
                        .filter(line -> line.startsWith("model name"))
                        .findFirst()
                        .map(line -> line.substring(line.indexOf(':') + 2))
                        .orElse(System.getProperty("os.arch")),
                Runtime.getRuntime().availableProcessors(),
                read("/proc/loadavg"));
    }

    String sentence() {
        return "%s, %d cores of %s, Linux %s, load before %s"
                .formatted(date, cores, processor, kernel, load);
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file)).strip();
        } catch (IOException problem) {
            throw new LabFailure("cannot read " + file, problem);
        }
    }
}
