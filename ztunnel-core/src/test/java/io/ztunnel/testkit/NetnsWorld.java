package io.ztunnel.testkit;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Nodes and pods made of network namespaces, joined by a bridge in a namespace of its own: the
/// machine's own network is never touched.
///
/// ```
///  pod 10.0.2.2 ── node 172.172.0.2 ──┐
///                                     ├── fabric, bridge br0 172.172.0.1
///  pod 10.0.3.3 ── node 172.172.0.3 ──┘
/// ```
///
/// Everything has an IPv6 twin. Pods reach each other only through their nodes. Closing removes all
/// of it, so does the end of the process; what a killed process left behind is removed when the
/// next world is made. One thread.
public final class NetnsWorld implements AutoCloseable {
    // zt-<pid>-<start of that process>-...
    private static final Pattern NAME = Pattern.compile("zt-(\\d+)-([0-9a-z]+)-.*");
    private static final AtomicInteger WORLDS = new AtomicInteger();

    private final String prefix;
    private final Deque<Namespace> namespaces = new ArrayDeque<>();
    private final List<Node> nodes = new ArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Thread atExit = new Thread(this::removeAll, "netns-world-removal");
    private final Namespace fabric;
    private int pods;

    /// @throws IllegalStateException when not root, or when the `ip` tool is missing
    public NetnsWorld() {
        Prerequisites.require("ip");
        removeLeftovers();
        ProcessHandle self = ProcessHandle.current();
        prefix = "zt-" + self.pid() + "-" + birthOf(self) + "-" + WORLDS.incrementAndGet();
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            fabric = make("fabric");
            fabric.ip(
                    "link add br0 type bridge",
                    "addr add 172.172.0.1/16 dev br0",
                    "addr add fd00:172::1/64 dev br0 nodad",
                    "link set br0 up");
        } catch (RuntimeException failed) {
            close();
            throw failed;
        }
    }

    /// The wire between the nodes; interface `veth<number>` is the cable of that node.
    public Namespace fabric() {
        return fabric;
    }

    /// Adds a node; numbers start at 2.
    public Node node(String name) {
        int number = nodes.size() + 2;
        Node node = new Node(this, name, number, make(name));
        node.join(fabric, nodes);
        nodes.add(node);
        return node;
    }

    /// Pod numbers are unique in the world and start at 2.
    int nextPod() {
        return ++pods + 1;
    }

    Namespace make(String label) {
        Namespace made = Namespace.make(prefix + "-" + label);
        namespaces.push(made);
        return made;
    }

    @Override
    public void close() {
        removeAll();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException alreadyExiting) {
            // Then the hook found nothing left to do.
        }
    }

    private void removeAll() {
        if (closed.compareAndSet(false, true)) {
            namespaces.forEach(Namespace::close);
        }
    }

    private static void removeLeftovers() {
        String names = Shell.tryRun(List.of("ip", "netns", "list")).output();
        for (String line : names.lines().toList()) {
            Matcher ours = NAME.matcher(line.split(" ")[0]);
            if (ours.matches() && !isRunning(Long.parseLong(ours.group(1)), ours.group(2))) {
                Namespace.remove(ours.group());
            }
        }
    }

    private static boolean isRunning(long pid, String birth) {
        return ProcessHandle.of(pid).map(NetnsWorld::birthOf).filter(birth::equals).isPresent();
    }

    private static String birthOf(ProcessHandle process) {
        Instant start = process.info().startInstant().orElse(Instant.EPOCH);
        return Long.toString(start.getEpochSecond(), Character.MAX_RADIX);
    }
}
