package io.ztunnel.net;

import io.ztunnel.net.linux.FileIdentity;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SystemCallException;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/// An open handle of a network namespace, and the only way into it.
///
/// The handle pins the namespace with its interfaces and addresses: close it when the pod is gone.
/// A call that is under way when the handle is closed still ends in the right namespace.
///
/// Any platform thread; a virtual thread is refused, because entering would move its carrier.
/// docs/spec/inpod-and-deployment.md 2.1 and 2.2.
public final class Netns implements AutoCloseable {
    /// Status of a process that halted because a thread could not come home.
    static final int EXIT_LOST_IN_NAMESPACE = 70;

    private static final Netns OWN = openOwn();

    private static final int LOOKS = 4;
    private static final long PAUSE_NANOS = 1_000_000;

    private final int descriptor;
    private final NetnsId id;

    // The opener counts as one user. The descriptor is closed by the last one, so that a number
    // recycled by the kernel can never lead a late caller into somebody else's namespace.
    private final AtomicInteger users = new AtomicInteger(1);
    private final AtomicBoolean closed = new AtomicBoolean();

    private Netns(int descriptor, NetnsId id) {
        this.descriptor = descriptor;
        this.id = id;
    }

    /// The namespace this process was started in; closing it does nothing.
    public static Netns own() {
        return OWN;
    }

    /// Opens a namespace by name, for example `/proc/4711/ns/net` or `/run/netns/blue`.
    ///
    /// @throws IOException when the path cannot be opened or is no network namespace
    public static Netns open(Path path) throws IOException {
        return ofDescriptor(LibC.open(path.toString()));
    }

    /// Takes over a descriptor, for example one received from the CNI plugin; closes it on failure.
    ///
    /// @throws IOException when it is no network namespace
    public static Netns ofDescriptor(int descriptor) throws IOException {
        try {
            if (LibC.namespaceType(descriptor) != LibC.CLONE_NEWNET) {
                throw new IOException("descriptor is not a network namespace");
            }
            return new Netns(descriptor, identify(descriptor));
        } catch (IOException refused) {
            LibC.close(descriptor);
            throw refused;
        }
    }

    public NetnsId id() {
        return id;
    }

    /// Whether this is the process's own namespace, by identity and not by handle.
    public boolean isOwn() {
        return id.equals(OWN.id);
    }

    /// Runs `body` inside the namespace, then comes back, also after an exception.
    ///
    /// Inside, do nothing but create a socket or open a file: no waiting, no logging, no first use
    /// of a class, and nothing that may start a thread, for that thread would stay there for ever.
    /// A process that cannot bring a thread home halts at once: traffic of different pods would mix
    /// otherwise.
    ///
    /// @throws UncheckedIOException when the namespace cannot be entered; `body` did not run
    public <T> T call(Supplier<T> body) {
        if (isOwn()) {
            return body.get();
        }
        if (Thread.currentThread().isVirtual()) {
            throw new IllegalStateException("a virtual thread must not enter a namespace");
        }
        enlist();
        try {
            enter();
            try {
                return body.get();
            } finally {
                comeHome();
            }
        } finally {
            release();
        }
    }

    /// Gives the handle up; further calls are refused. Closing twice is harmless.
    @Override
    public void close() {
        if (this != OWN && closed.compareAndSet(false, true)) {
            release();
        }
    }

    /// How many threads of this process are in another namespace than the process, for longer than
    /// it takes to make a socket. There must be none: sockets of one pod would be made in another.
    public static int threadsAway() {
        int away = 0;
        File[] threads = new File("/proc/self/task").listFiles();
        for (File thread : threads == null ? new File[0] : threads) {
            away += isAway(thread.toPath().resolve("ns/net")) ? 1 : 0;
        }
        return away;
    }

    private static boolean isAway(Path link) {
        // A socket is made within microseconds, so nobody on an errand is seen there so often.
        for (int look = 0; look < LOOKS; look++) {
            try {
                if (Files.readSymbolicLink(link).toString().equals(OWN.toString())) {
                    return false;
                }
            } catch (IOException ended) {
                return false;
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        return true;
    }

    private void enlist() {
        int now = closed.get() ? 0 : users.get();
        while (now > 0 && !users.compareAndSet(now, now + 1)) {
            now = users.get();
        }
        if (now == 0) {
            throw new UncheckedIOException(new IOException("the network namespace is closed"));
        }
    }

    private void release() {
        if (users.decrementAndGet() == 0) {
            try {
                LibC.close(descriptor);
            } catch (SystemCallException failed) {
                // Linux frees the number even then; there is nothing left to do.
                throw new UncheckedIOException(failed);
            }
        }
    }

    private void enter() {
        try {
            LibC.setns(descriptor, LibC.CLONE_NEWNET);
        } catch (SystemCallException refused) {
            throw new UncheckedIOException(refused);
        }
    }

    private static void comeHome() {
        try {
            LibC.setns(OWN.descriptor, LibC.CLONE_NEWNET);
        } catch (Throwable lost) {
            System.err.println("fatal: a thread cannot leave a pod's network namespace: " + lost);
            Runtime.getRuntime().halt(EXIT_LOST_IN_NAMESPACE);
        }
    }

    private static Netns openOwn() {
        try {
            // thread-self, not self: the latter shows the namespace of the main thread.
            int descriptor = LibC.open("/proc/thread-self/ns/net");
            return new Netns(descriptor, identify(descriptor));
        } catch (IOException failed) {
            throw new UncheckedIOException("cannot open the own network namespace", failed);
        }
    }

    private static NetnsId identify(int descriptor) throws SystemCallException {
        FileIdentity file = LibC.fstat(descriptor);
        return new NetnsId(file.device(), file.inode());
    }

    /// For the test that loses a thread on purpose.
    int descriptor() {
        return descriptor;
    }

    @Override
    public String toString() {
        return "net:[" + id.inode() + "]";
    }
}
