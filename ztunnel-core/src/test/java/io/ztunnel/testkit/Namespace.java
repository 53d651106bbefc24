package io.ztunnel.testkit;

import io.ztunnel.net.Netns;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// A named network namespace of the world, and how to do things inside it.
public final class Namespace implements AutoCloseable {
    private static final Path FOLDER = Path.of("/run/netns");

    /// Files that programs here see in place of those in `/etc`, as `ip netns exec` has it.
    private static final Path FILES = Path.of("/etc/netns");

    private final String name;
    private final Netns netns;
    private final List<Process> processes = new ArrayList<>();

    private Namespace(String name, Netns netns) {
        this.name = name;
        this.netns = netns;
    }

    /// Makes it, with the loopback interface up and forwarding on.
    static Namespace make(String name) {
        Shell.run(List.of("ip", "netns", "add", name));
        try {
            Namespace made = new Namespace(name, Netns.open(FOLDER.resolve(name)));
            made.sysctl("ipv4/ip_forward", 1);
            made.sysctl("ipv6/conf/all/forwarding", 1);
            made.sysctl("ipv4/conf/all/rp_filter", 0);
            made.sysctl("ipv4/conf/default/rp_filter", 0);
            // Addresses are ours alone; probing for duplicates would only cost seconds.
            made.sysctl("ipv6/conf/default/accept_dad", 0);
            made.ip("link set lo up");
            made.resolver("nameserver 172.172.0.1");
            return made;
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
    }

    /// As `ip netns` shows it.
    public String name() {
        return name;
    }

    /// Owned by the world: do not close.
    public Netns netns() {
        return netns;
    }

    public Path path() {
        return FOLDER.resolve(name);
    }

    /// Makes sockets here: `inside(SocketChannel::open)`-like suppliers only, see [Netns#call].
    public <T> T inside(Supplier<T> birth) {
        return netns.call(birth);
    }

    /// Runs a program here to its end.
    ///
    /// @throws IllegalStateException with its output, when it fails
    public String run(String... command) {
        return Shell.run(inHere(List.of(command)));
    }

    /// Runs a program here to its end, whatever its exit status.
    public Shell.Outcome tryRun(String... command) {
        return Shell.tryRun(inHere(List.of(command)));
    }

    /// Runs a program here that reads `input`.
    public String feed(String input, String... command) {
        return Shell.run(inHere(List.of(command)), input);
    }

    /// Starts a program here that runs until the world ends or it is destroyed.
    ///
    /// @param environment added to ours
    /// @param log gets its output, appended
    public Process start(List<String> command, Map<String, String> environment, File log) {
        ProcessBuilder builder = new ProcessBuilder(inHere(command)).redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log));
        try {
            Process process = builder.start();
            processes.add(process);
            return process;
        } catch (IOException cannotStart) {
            throw new UncheckedIOException(cannotStart);
        }
    }

    /// One or more lines for the `ip` tool, for example `link set eth0 up`.
    void ip(String... lines) {
        Shell.run(List.of("ip", "-n", name, "-batch", "-"), batch(lines));
    }

    /// The same for lines that do not show themselves that they mean IPv6.
    void ipv6(String... lines) {
        Shell.run(List.of("ip", "-6", "-n", name, "-batch", "-"), batch(lines));
    }

    private static String batch(String... lines) {
        return String.join("\n", lines) + "\n";
    }

    /// What programs that are started here from now on read in `/etc/resolv.conf`. Without a word
    /// of this it is the fabric, where a test may have a [DnsServer].
    public void resolver(String... lines) {
        try {
            Files.createDirectories(FILES.resolve(name));
            Files.writeString(
                    FILES.resolve(name).resolve("resolv.conf"), String.join("\n", lines) + "\n");
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    void sysctl(String key, int value) {
        run("sh", "-c", "echo " + value + " > /proc/sys/net/" + key);
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        netns.close();
        remove(name);
    }

    /// Ends what still runs inside and removes the name; with its last user the kernel removes
    /// everything in it.
    static void remove(String name) {
        Stream<String> inside = Shell.tryRun(List.of("ip", "netns", "pids", name)).output().lines();
        inside.filter(line -> line.matches("\\d+"))
                .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream())
                .forEach(ProcessHandle::destroyForcibly);
        Shell.tryRun(List.of("ip", "netns", "delete", name));
        try {
            Files.deleteIfExists(FILES.resolve(name).resolve("resolv.conf"));
            Files.deleteIfExists(FILES.resolve(name));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private List<String> inHere(List<String> command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", name));
        all.addAll(command);
        return all;
    }

    @Override
    public String toString() {
        return name;
    }
}
