package io.ztunnel.bench;

import io.ztunnel.net.linux.SeqPacketListener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The command `ztunnel bench node`: one daemon in in-pod mode, what many pods cost it, whether
/// anything is left of pods that have gone, and what idle connections to another node hold.
final class NodeBench {
    static final String USAGE =
            """
            Usage: ztunnel bench node [options]  one daemon in in-pod mode, as root

              --ours CMD    starts the daemon (./ztunnel proxy ztunnel)
              --pods N      pods that are bound together (250)
              --cycles N    pods that come and go, one after the other (10000)
              --idle N      idle connections from one of its pods to a pod of another node (8000)
            """;

    private static final String ACCOUNT = "source";
    private static final int WORKERS = 2;
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration SETTLE = Duration.ofSeconds(3);
    private static final Duration HOLD = Duration.ofMinutes(2);
    private static final double MILLI = 1e6;

    private final Lab lab;
    private final int pods;
    private final int cycles;
    private final int idle;
    private final List<String> command;

    private NodeBench(Lab lab, Map<String, String> options) {
        this.lab = lab;
        this.pods = Integer.parseInt(options.getOrDefault("--pods", "250"));
        this.cycles = Integer.parseInt(options.getOrDefault("--cycles", "10000"));
        this.idle = Integer.parseInt(options.getOrDefault("--idle", "8000"));
        String ours = options.getOrDefault("--ours", "./ztunnel proxy ztunnel");
        this.command = List.of("sh", "-c", "exec " + ours);
    }

    /// @return the status the process should end with
    static int run(List<String> words) {
        if (words.contains("--help")) {
            System.out.print(USAGE);
            return 0;
        }
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < words.size(); i += 2) {
            options.put(words.get(i), words.get(i + 1));
        }
        List<String> known = List.of("--ours", "--pods", "--cycles", "--idle");
        if (words.size() % 2 == 1 || !known.containsAll(options.keySet())) {
            throw new IllegalArgumentException("no such option; see --help");
        }
        Lab lab = new Lab();
        Thread cleaning = new Thread(lab::close, "bench-cleaning");
        Runtime.getRuntime().addShutdownHook(cleaning);
        try {
            System.out.println(Machine.here().sentence());
            new NodeBench(lab, options).measure();
        } finally {
            lab.close();
        }
        Runtime.getRuntime().removeShutdownHook(cleaning);
        return 0;
    }

    private void measure() {
        Authority authority = Authority.start(lab);
        Pod node = lab.pod("node");
        Pod client = lab.pod("client");
        Pod server = lab.pod("server");
        Agent load = Agent.start(lab, "load", client);
        Agent echo = Agent.start(lab, "echo", server);
        echo.ask(Duration.ofSeconds(10), "echo 8080");
        Redirection.apply(client, lab.hub().address());
        Redirection.apply(server, lab.hub().address());
        List<String> names = new ArrayList<>();
        List<Integer> namespaces = new ArrayList<>();
        say("making " + pods + " pods");
        for (int i = 0; i < pods; i++) {
            Pod pod = lab.bare("p" + i);
            names.add(pod.netns());
            namespaces.add(CniAgent.open(pod.path()));
        }
        Path mesh = mesh(names, client, server);
        System.out.println();
        System.out.println("| measured | unit | value |");
        System.out.println("|---|---|---|");
        try (Side near = side("near", node, authority, mesh);
                Side far = side("far", lab.pod("far-node"), authority, mesh)) {
            manyPods(near.daemon, near.agent, names, namespaces);
            comeAndGo(near.daemon, near.agent, namespaces);
            idleConnections(near, far, load, client, server);
        } finally {
            namespaces.forEach(CniAgent::close);
        }
    }

    private void manyPods(
            Daemon daemon, CniAgent agent, List<String> names, List<Integer> namespaces) {
        for (String round : List.of("first", "again")) {
            Lab.settle(SETTLE);
            Reading empty = Reading.of(daemon);
            long[] took = new long[pods];
            long start = System.nanoTime();
            for (int i = 0; i < pods; i++) {
                took[i] = agent.add("uid-" + i, names.get(i), "pods", namespaces.get(i));
            }
            row(round + ": " + pods + " pods bound in", "ms", (System.nanoTime() - start) / MILLI);
            row(round + ": one answer, median", "ms", percentile(took, 0.5) / MILLI);
            row(round + ": one answer, p99", "ms", percentile(took, 0.99) / MILLI);
            Lab.settle(SETTLE);
            Reading full = Reading.of(daemon);
            row(round + ": resident memory without pods", "MB", empty.resident / 1e6);
            row(
                    round + ": resident memory for a pod",
                    "KB",
                    (full.resident - empty.resident) / 1e3 / pods);
            row(
                    round + ": descriptors for a pod and worker",
                    "",
                    (double) (full.files - empty.files) / pods / WORKERS);
            row(round + ": threads more", "", (double) (full.threads - empty.threads));
            for (int i = 0; i < pods; i++) {
                agent.delete("uid-" + i);
            }
        }
    }

    private void comeAndGo(Daemon daemon, CniAgent agent, List<Integer> namespaces) {
        if (cycles == 0 || namespaces.isEmpty()) {
            return;
        }
        Lab.settle(SETTLE);
        Reading before = Reading.of(daemon);
        long[] took = new long[cycles];
        for (int i = 0; i < cycles; i++) {
            int pod = i % namespaces.size();
            took[i] = agent.add("cycle-" + i, "p" + pod, "pods", namespaces.get(pod));
            agent.delete("cycle-" + i);
        }
        Lab.settle(SETTLE);
        Reading after = Reading.of(daemon);
        row(cycles + " pods come and go: one answer, median", "ms", percentile(took, 0.5) / MILLI);
        row(cycles + " pods come and go: one answer, p99", "ms", percentile(took, 0.99) / MILLI);
        row("descriptors left behind", "", (double) (after.files - before.files));
        row(
                "namespace descriptors left behind",
                "",
                (double) (after.namespaces - before.namespaces));
        row("threads left behind", "", (double) (after.threads - before.threads));
        row("threads in a namespace of others", "", (double) after.strayThreads);
        row("resident memory left behind", "MB", (after.resident - before.resident) / 1e6);
    }

    private void idleConnections(Side near, Side far, Agent load, Pod client, Pod server) {
        if (idle == 0) {
            return;
        }
        near.add(client, ACCOUNT);
        far.add(server, "destination");
        load.ask(Duration.ofSeconds(30), "probe " + server.address() + " 8080 20000");
        Lab.settle(SETTLE);
        Reading nearBefore = Reading.of(near.daemon);
        Reading farBefore = Reading.of(far.daemon);
        Map<String, Double> answer =
                load.ask(
                        HOLD.plusSeconds(10),
                        "hold %s 8080 %d %d".formatted(server.address(), idle, HOLD.toMillis()));
        Requests.requireClean(answer);
        if (answer.getOrDefault("count", 0.0) < idle) {
            throw new LabFailure("only %.0f are open".formatted(answer.get("count")));
        }
        Lab.settle(SETTLE);
        idleSide("client's node", nearBefore, Reading.of(near.daemon));
        idleSide("server's node", farBefore, Reading.of(far.daemon));
        load.ask(Duration.ofSeconds(30), "release");
    }

    private void idleSide(String which, Reading before, Reading held) {
        String what = which + ", " + idle + " idle connections: ";
        row(what + "resident memory before", "MB", before.resident / 1e6);
        row(what + "for a connection", "KB", (held.resident - before.resident) / 1e3 / idle);
        row(what + "descriptors for one", "", (double) (held.files - before.files) / idle);
        row(what + "threads more", "", (double) (held.threads - before.threads));
    }

    private Side side(String name, Pod home, Authority authority, Path mesh) {
        Path socket = lab.directory().resolve(name + ".sock");
        SeqPacketListener listener = CniAgent.listen(socket);
        Daemon daemon = lab.start("ours-" + name, home, command, settings(authority, mesh, socket));
        CniAgent agent = CniAgent.greeting(listener, START);
        agent.snapshotSent();
        return new Side(daemon, agent);
    }

    /// A daemon and the node agent that it talks with.
    private record Side(Daemon daemon, CniAgent agent) implements AutoCloseable {
        void add(Pod pod, String account) {
            int netns = CniAgent.open(pod.path());
            agent.add(pod.netns(), pod.netns(), account, netns);
            CniAgent.close(netns);
        }

        @Override
        public void close() {
            agent.close();
        }
    }

    /// What a process holds at one moment.
    ///
    /// @param namespaces descriptors that lead to network namespaces
    /// @param strayThreads threads that are in another namespace than the first one
    private record Reading(
            long resident, long files, long namespaces, long threads, long strayThreads) {
        static Reading of(Daemon daemon) {
            daemon.requireAlive();
            ProcessHandle process = daemon.process().toHandle();
            List<String> files = ProcFs.links(process, "fd", "");
            List<String> homes = ProcFs.links(process, "task", "ns/net");
            return new Reading(
                    daemon.residentBytes(),
                    files.size(),
                    // Opened by its name, a namespace goes by that name.
                    files.stream().filter(link -> link.matches("net:.*|/run/netns/.*")).count(),
                    homes.size(),
                    homes.stream().filter(home -> !home.equals(homes.getFirst())).count());
        }
    }

    private Map<String, String> settings(Authority authority, Path mesh, Path socket) {
        return Map.of(
                "NODE_NAME",
                "node-a",
                "LOCAL_XDS_PATH",
                mesh.toString(),
                "XDS_ADDRESS",
                "",
                "CA_ADDRESS",
                "https://" + authority.address(),
                "CA_ROOT_CA",
                authority.root().toString(),
                "AUTH_TOKEN",
                AuthorityMain.NODE_TOKEN,
                "INPOD_UDS",
                socket.toString(),
                "ZTUNNEL_WORKER_THREADS",
                Integer.toString(WORKERS));
    }

    private Path mesh(List<String> names, Pod client, Pod server) {
        StringBuilder text = new StringBuilder("workloads:\n");
        text.append(workload(client.netns(), ACCOUNT, client.address()));
        text.append(workload(server.netns(), "destination", server.address()));
        for (int i = 0; i < names.size(); i++) {
            text.append(workload(names.get(i), "pods", "10.99." + i / 250 + "." + (i % 250 + 1)));
        }
        Path file = lab.directory().resolve("node-mesh.yaml");
        try {
            return Files.writeString(file, text);
        } catch (IOException problem) {
            throw new LabFailure("cannot write the mesh", problem);
        }
    }

    private static String workload(String name, String account, String ip) {
        return """
        - uid: Kubernetes//Pod/default/%1$s
          name: %1$s
          namespace: default
          serviceAccount: %2$s
          trustDomain: cluster.local
          clusterId: Kubernetes
          workloadIps: ["%3$s"]
          protocol: HBONE
          node: node-a
          services: {}
        """
                .formatted(name, account, ip);
    }

    private static long percentile(long[] values, double part) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1L, (long) (sorted.length * part))];
    }

    private static void row(String measured, String unit, double value) {
        System.out.printf("| %s | %s | %.3g |%n", measured, unit, value);
    }

    private static void say(String what) {
        System.err.println("bench: " + what);
    }
}
