package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// What `/proc` says about a process and its children.
final class ProcFs {
    /// The unit of times in `/proc/<pid>/stat`, fixed in the kernel's interface.
    private static final double TICKS_PER_SECOND = 100;

    private ProcFs() {}

    static double cpuSeconds(ProcessHandle root) {
        long ticks = 0;
        for (ProcessHandle process : family(root)) {
            ticks += ticksOf(read(process, "stat"));
        }
        return ticks / TICKS_PER_SECOND;
    }

    /// What children cost that have ended and were waited for.
    static double cpuSecondsOfEndedChildren(ProcessHandle process) {
        String stat = read(process, "stat");
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(afterName[13]) + Long.parseLong(afterName[14])) / TICKS_PER_SECOND;
    }

    static long residentBytes(ProcessHandle root) {
        long bytes = 0;
        for (ProcessHandle process : family(root)) {
            bytes += residentOf(read(process, "status"));
        }
        return bytes;
    }

    /// Connections that processes in this namespace have begun, since it exists.
    static long connectionsBegun(ProcessHandle inside) {
        List<String> tcp =
                read(inside, "net/snmp").lines().filter(l -> l.startsWith("Tcp:")).toList();
        List<String> names = List.of(tcp.get(0).split(" "));
        return Long.parseLong(tcp.get(1).split(" ")[names.indexOf("ActiveOpens")]);
    }

    /// User and kernel time from a line of `stat`; the name in it may hold blanks and brackets.
    static long ticksOf(String stat) {
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(afterName[11]) + Long.parseLong(afterName[12]);
    }

    static long residentOf(String status) {
        return status.lines()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .sum();
    }

    /// Where the links lead that are in a folder of a process, such as its `fd`, or in each of the
    /// folders there.
    ///
    /// @param inner name of the link in each of them, empty for the entries themselves
    static List<String> links(ProcessHandle process, String folder, String inner) {
        List<String> links = new ArrayList<>();
        Path path = Path.of("/proc", Long.toString(process.pid()), folder);
        try (Stream<Path> entries = Files.list(path)) {
            for (Path entry : entries.toList()) {
                try {
                    links.add(Files.readSymbolicLink(entry.resolve(inner)).toString());
                } catch (IOException closedMeanwhile) {
                    // Then it is not there.
                }
            }
        } catch (IOException gone) {
            throw new LabFailure("process " + process.pid() + " is gone", gone);
        }
        return links;
    }

    private static List<ProcessHandle> family(ProcessHandle root) {
        List<ProcessHandle> family = new ArrayList<>(root.descendants().toList());
        family.add(root);
        return family;
    }

    private static String read(ProcessHandle process, String file) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), file));
        } catch (IOException gone) {
            throw new LabFailure("process " + process.pid() + " is gone", gone);
        }
    }
}
