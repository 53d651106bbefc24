package io.ztunnel.inpod;

import io.ztunnel.net.Netns;
import io.ztunnel.net.NetnsId;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SystemCallException;

import java.io.IOException;

/// A namespace as it was handed over, kept until a pod runs in it: every attempt gets a handle of
/// its own, so that one that fails does not take the descriptor with it.
///
/// One thread. docs/spec/inpod-and-deployment.md 2.1.
final class PodNamespace implements AutoCloseable {
    private final int descriptor;
    private final NetnsId id;
    private boolean closed;

    private PodNamespace(int descriptor, NetnsId id) {
        this.descriptor = descriptor;
        this.id = id;
    }

    /// Takes the descriptor over, and closes it on failure.
    ///
    /// @throws IOException when it is no network namespace
    static PodNamespace of(int descriptor) throws IOException {
        try (Netns probe = Netns.ofDescriptor(LibC.duplicate(descriptor))) {
            return new PodNamespace(descriptor, probe.id());
        } catch (IOException refused) {
            LibC.close(descriptor);
            throw refused;
        }
    }

    NetnsId id() {
        return id;
    }

    /// Whether a pod in it would share our sockets: the agent must have confused something.
    boolean isOurs() {
        return id.equals(Netns.own().id());
    }

    /// One more handle of it.
    ///
    /// @throws IOException when no descriptor is left
    Netns open() throws IOException {
        if (closed) {
            throw new IOException("the namespace has been given up");
        }
        return Netns.ofDescriptor(LibC.duplicate(descriptor));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                LibC.close(descriptor);
            } catch (SystemCallException failed) {
                // Linux frees the number even then.
                throw new IllegalStateException(failed);
            }
        }
    }
}
