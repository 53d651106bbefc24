package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Namespaces, processes and files of one run, and their end.
///
/// A hub namespace holds a bridge and each pod has a leg on it; nothing is made or set in the
/// machine's own namespace. [#close] undoes everything and may be called from any thread, also
/// while another one still works with the lab; that one then fails.
final class Lab implements AutoCloseable {
    /// Namespaces of a run are called `ztb-<pid>-<name>`.
    private static final String PREFIX = "ztb-";

    private static final String NETWORK = "10.77.";

    private final String prefix = PREFIX + ProcessHandle.current().pid() + "-";
    private final List<String> namespaces = new ArrayList<>();
    private final Deque<Daemon> daemons = new ArrayDeque<>();
    private final Path directory;
    private final Pod hub;
    private boolean closed;
    private int pods;

    Lab() {
        sweep();
        try {
            directory = Files.createTempDirectory("ztunnel-bench");
        } catch (IOException problem) {
            throw new LabFailure("no temporary directory", problem);
        }
        hub = namespace("hub", NETWORK + "0.1");
        hub.run("ip", "link", "add", "br0", "type", "bridge");
        hub.run("ip", "addr", "add", hub.address() + "/16", "dev", "br0");
        hub.run("ip", "link", "set", "br0", "up");
    }

    /// Where settings, certificates and logs of this run lie; removed with it.
    Path directory() {
        return directory;
    }

    Path subdirectory(String name) {
        try {
            return Files.createDirectory(directory.resolve(name));
        } catch (IOException problem) {
            throw new LabFailure("cannot make a directory", problem);
        }
    }

    /// The namespace in the middle; the certificate authority runs there.
    Pod hub() {
        return hub;
    }

    Pod pod(String name) {
        int number = ++pods;
        Pod pod = namespace(name, NETWORK + "1." + number);
        String leg = "leg" + number;
        Command.run(
                "ip",
                "link",
                "add",
                leg,
                "netns",
                hub.netns(),
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                pod.netns());
        hub.run("ip", "link", "set", leg, "master", "br0", "up");
        pod.run("ip", "addr", "add", pod.address() + "/16", "dev", "eth0");
        pod.run("ip", "link", "set", "eth0", "up");
        return pod;
    }

    /// A pod that is connected to nothing: enough to listen in.
    synchronized Pod bare(String name) {
        if (closed) {
            throw new LabFailure("the lab is closed");
        }
        Pod pod = new Pod(prefix + name, "127.0.0.1");
        namespaces.add(pod.netns());
        Command.run("ip", "netns", "add", pod.netns());
        pod.run("ip", "link", "set", "lo", "up");
        return pod;
    }

    /// Starts a process that ends with the lab at the latest; what it writes goes to its log.
    Daemon start(String name, Pod pod, List<String> words, Map<String, String> settings) {
        return start(name, pod, words, settings, false);
    }

    /// The same for a program whose standard output the caller reads.
    Daemon startTalking(String name, Pod pod, List<String> words) {
        return start(name, pod, words, Map.of(), true);
    }

    private synchronized Daemon start(
            String name, Pod pod, List<String> words, Map<String, String> settings, boolean talks) {
        if (closed) {
            throw new LabFailure("the lab is closed");
        }
        Path log = directory.resolve(name + ".log");
        Daemon daemon = Daemon.start(name, pod.inside(words), settings, log, talks);
        daemons.push(daemon);
        return daemon;
    }

    synchronized boolean isClosed() {
        return closed;
    }

    private synchronized Pod namespace(String name, String address) {
        if (closed) {
            throw new LabFailure("the lab is closed");
        }
        Pod pod = new Pod(prefix + name, address);
        namespaces.add(pod.netns());
        Command.run("ip", "netns", "add", pod.netns());
        pod.run("ip", "link", "set", "lo", "up");
        NetworkSettings.apply(pod);
        return pod;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        daemons.forEach(Daemon::kill);
        for (String netns : namespaces) {
            remove(netns);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException problem) {
            System.err.println("left behind: " + directory + " (" + problem.getMessage() + ")");
        }
    }

    private static void remove(String netns) {
        try {
            Command.run("ip", "netns", "del", netns);
        } catch (LabFailure problem) {
            System.err.println("left behind: " + netns + " (" + problem.getMessage() + ")");
        }
    }

    /// Removes what a run left behind that was killed without a chance to clean up.
    private static void sweep() {
        for (String line : Command.run("ip", "netns", "list").lines().toList()) {
            String netns = line.split(" ")[0];
            if (!netns.matches(PREFIX + "\\d+-.+")) {
                continue;
            }
            long owner = Long.parseLong(netns.split("-")[1]);
            if (ProcessHandle.of(owner).isPresent()) {
                continue;
            }
            for (String pid : Command.run("ip", "netns", "pids", netns).lines().toList()) {
                ProcessHandle.of(Long.parseLong(pid.strip()))
                        .ifPresent(ProcessHandle::destroyForcibly);
            }
            remove(netns);
        }
    }

    /// How long to wait after something changed before memory is read.
    static void settle(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LabFailure("interrupted", interrupted);
        }
    }
}
