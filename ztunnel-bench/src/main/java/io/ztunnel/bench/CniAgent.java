package io.ztunnel.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.DelWorkload;
import io.ztunnel.inpod.proto.SnapshotSent;
import io.ztunnel.inpod.proto.WorkloadInfo;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.net.linux.Errno;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SeqPacketListener;
import io.ztunnel.net.linux.SeqPacketSocket;
import io.ztunnel.net.linux.SystemCallException;
import io.ztunnel.net.linux.WakeUp;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/// The CNI node agent's side of the conversation with one daemon, no more than the benchmark needs
/// (docs/spec/inpod-and-deployment.md 1.2 and 1.3). One thread.
final class CniAgent implements AutoCloseable {
    private static final int PACKET = 1024;
    private static final byte[] DONE = {0x0a, 0};
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final SeqPacketSocket daemon;
    private final WakeUp wakeUp;

    private CniAgent(SeqPacketSocket daemon, WakeUp wakeUp) {
        this.daemon = daemon;
        this.wakeUp = wakeUp;
    }

    /// Where a daemon may connect from now on.
    static SeqPacketListener listen(Path path) {
        try {
            return SeqPacketListener.listen(path, 4);
        } catch (SystemCallException problem) {
            throw new LabFailure("no socket for the daemon", problem);
        }
    }

    /// Waits for the next daemon and its hello.
    static CniAgent greeting(SeqPacketListener listener, Duration patience) {
        long until = System.nanoTime() + patience.toNanos();
        try {
            while (true) {
                try {
                    CniAgent agent = new CniAgent(listener.accept(PACKET), WakeUp.open());
                    agent.packet();
                    return agent;
                } catch (SystemCallException none) {
                    if (none.errno() != Errno.EAGAIN || System.nanoTime() > until) {
                        throw none;
                    }
                    LockSupport.parkNanos(1_000_000);
                }
            }
        } catch (SystemCallException problem) {
            throw new LabFailure("the daemon did not connect", problem);
        }
    }

    /// Announces a pod and waits for the answer; the nanoseconds that took.
    long add(String uid, String name, String account, int netns) {
        WorkloadInfo who =
                WorkloadInfo.newBuilder()
                        .setName(name)
                        .setNamespace("default")
                        .setServiceAccount(account)
                        .build();
        AddWorkload add = AddWorkload.newBuilder().setUid(uid).setWorkloadInfo(who).build();
        return ask(WorkloadRequest.newBuilder().setAdd(add), netns);
    }

    long delete(String uid) {
        return ask(WorkloadRequest.newBuilder().setDel(DelWorkload.newBuilder().setUid(uid)));
    }

    void snapshotSent() {
        ask(WorkloadRequest.newBuilder().setSnapshotSent(SnapshotSent.getDefaultInstance()));
    }

    private long ask(WorkloadRequest.Builder message, int... descriptors) {
        byte[] request = message.build().toByteArray();
        try {
            long start = System.nanoTime();
            SeqPacketListener.send(daemon, request, descriptors);
            byte[] answer = packet();
            long took = System.nanoTime() - start;
            if (!Arrays.equals(answer, DONE)) {
                throw new LabFailure("the daemon said no: " + new String(answer, UTF_8));
            }
            return took;
        } catch (SystemCallException problem) {
            throw new LabFailure("the conversation broke", problem);
        }
    }

    private byte[] packet() throws SystemCallException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < until) {
            wakeUp.await(daemon, 1_000);
            SeqPacketSocket.Packet packet = daemon.receive();
            if (packet != null) {
                if (packet.ended()) {
                    throw new LabFailure("the daemon closed the conversation");
                }
                return packet.bytes();
            }
        }
        throw new LabFailure("the daemon did not answer");
    }

    static int open(Path netns) {
        try {
            return LibC.open(netns.toString());
        } catch (SystemCallException problem) {
            throw new LabFailure("no such namespace", problem);
        }
    }

    static void close(int descriptor) {
        try {
            LibC.close(descriptor);
        } catch (SystemCallException problem) {
            throw new LabFailure("cannot close", problem);
        }
    }

    @Override
    public void close() {
        try {
            daemon.close();
            wakeUp.close();
        } catch (SystemCallException problem) {
            throw new LabFailure("cannot close", problem);
        }
    }
}
