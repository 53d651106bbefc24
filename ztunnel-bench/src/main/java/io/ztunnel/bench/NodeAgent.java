package io.ztunnel.bench;

import io.ztunnel.net.linux.SeqPacketListener;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// Tells each daemon that comes which pods it serves, for as long as the benchmark runs. A thread
/// of its own.
final class NodeAgent {
    private static final Duration FOR_EVER = Duration.ofDays(1);

    private final Path path;
    private final List<Pod> pods;
    private final String account;
    private final SeqPacketListener listener;

    private NodeAgent(Path path, List<Pod> pods, String account) {
        this.path = path;
        this.pods = List.copyOf(pods);
        this.account = account;
        this.listener = CniAgent.listen(path);
    }

    /// @param account whose identity the pods have
    static NodeAgent start(Path path, List<Pod> pods, String account) {
        NodeAgent agent = new NodeAgent(path, pods, account);
        Thread.ofPlatform().daemon().name("bench-node-agent").start(agent::serve);
        return agent;
    }

    Path path() {
        return path;
    }

    /// One daemon after the other; the conversation stays open after the snapshot, which is what
    /// keeps a daemon ready.
    private void serve() {
        try {
            while (true) {
                CniAgent daemon = CniAgent.greeting(listener, FOR_EVER);
                pods.forEach(pod -> tell(daemon, pod));
                daemon.snapshotSent();
            }
        } catch (LabFailure ended) {
            System.err.println("bench: the node agent ended: " + ended.getMessage());
        }
    }

    private void tell(CniAgent daemon, Pod pod) {
        int namespace = CniAgent.open(pod.path());
        try {
            daemon.add(pod.netns(), pod.netns(), account, namespace);
        } finally {
            CniAgent.close(namespace);
        }
    }
}
