package io.ztunnel.bench;

import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.SnapshotSent;
import io.ztunnel.inpod.proto.WorkloadInfo;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.net.linux.Errno;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SeqPacketListener;
import io.ztunnel.net.linux.SeqPacketSocket;
import io.ztunnel.net.linux.SystemCallException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Tells a daemon in shared mode which pods it serves, as the CNI node agent does
/// (docs/spec/inpod-and-deployment.md 1.3). A thread of its own, until the benchmark ends.
final class NodeAgent {
    private static final int PACKET_LIMIT = 4_096;
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

    private final Path path;
    private final List<Pod> pods;
    private final SeqPacketListener listener;

    private NodeAgent(Path path, List<Pod> pods, SeqPacketListener listener) {
        this.path = path;
        this.pods = List.copyOf(pods);
        this.listener = listener;
    }

    static NodeAgent start(Path path, List<Pod> pods) {
        try {
            NodeAgent agent = new NodeAgent(path, pods, SeqPacketListener.listen(path, 4));
            Thread.ofPlatform().daemon().name("bench-node-agent").start(agent::serve);
            return agent;
        } catch (IOException problem) {
            throw new LabFailure("cannot listen for daemons", problem);
        }
    }

    Path path() {
        return path;
    }

    /// One daemon after the other; the conversation stays open after the snapshot.
    private void serve() {
        try {
            while (true) {
                SeqPacketSocket daemon = accept();
                packet(daemon);
                for (Pod pod : pods) {
                    tell(daemon, pod);
                }
                send(
                        daemon,
                        WorkloadRequest.newBuilder()
                                .setSnapshotSent(SnapshotSent.getDefaultInstance())
                                .build());
            }
        } catch (IOException | RuntimeException ended) {
            System.err.println("bench: the node agent ended: " + ended.getMessage());
        }
    }

    private SeqPacketSocket accept() throws SystemCallException {
        while (true) {
            try {
                return listener.accept(PACKET_LIMIT);
            } catch (SystemCallException none) {
                if (none.errno() != Errno.EAGAIN) {
                    throw none;
                }
                LockSupport.parkNanos(PAUSE);
            }
        }
    }

    private static void tell(SeqPacketSocket daemon, Pod pod) throws IOException {
        WorkloadInfo who =
                WorkloadInfo.newBuilder()
                        .setName(pod.netns())
                        .setNamespace("default")
                        .setServiceAccount(ZtunnelProxies.SOURCE)
                        .build();
        AddWorkload add = AddWorkload.newBuilder().setUid(pod.netns()).setWorkloadInfo(who).build();
        int namespace = LibC.open("/run/netns/" + pod.netns());
        try {
            send(daemon, WorkloadRequest.newBuilder().setAdd(add).build(), namespace);
        } finally {
            LibC.close(namespace);
        }
    }

    /// And waits for the answer, whatever it says: a daemon that failed does not get ready.
    private static void send(SeqPacketSocket daemon, WorkloadRequest request, int... descriptors)
            throws IOException {
        SeqPacketListener.send(daemon, request.toByteArray(), descriptors);
        packet(daemon);
    }

    private static void packet(SeqPacketSocket daemon) throws IOException {
        SeqPacketSocket.@Nullable Packet packet = daemon.receive();
        while (packet == null) {
            LockSupport.parkNanos(PAUSE);
            packet = daemon.receive();
        }
    }
}
