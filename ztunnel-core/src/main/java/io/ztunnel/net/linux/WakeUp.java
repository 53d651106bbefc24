package io.ztunnel.net.linux;

import static io.ztunnel.net.linux.Native.broken;
import static io.ztunnel.net.linux.Native.checked;
import static io.ztunnel.net.linux.Native.errnoSegment;
import static io.ztunnel.net.linux.Native.link;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Ends the wait of a thread that sits in `poll`, from any other thread.
///
/// An event counter of the kernel: signals are not lost when nobody waits yet, and several of them
/// end one wait. Closing a socket would not do, as Linux lets the waiting thread sleep on.
///
/// [#signal] and [#close] from any thread, the waits from one.
public final class WakeUp implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;
    private static final short POLLIN = 1;

    // struct pollfd { int fd; short events; short revents; };
    private static final long POLLFD_SIZE = 8;
    private static final long POLLFD_EVENTS = 4;
    private static final long POLLFD_REVENTS = 6;

    // int eventfd(unsigned int initval, int flags);
    private static final MethodHandle EVENTFD =
            link("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

    // ssize_t write(int fd, const void *buf, size_t count);
    private static final MethodHandle WRITE =
            link("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));

    // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
    private static final MethodHandle POLL =
            link("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private final int descriptor;
    private final MemorySegment waits = Arena.ofAuto().allocate(2 * POLLFD_SIZE, 8);
    private boolean closed;

    private WakeUp(int descriptor) {
        this.descriptor = descriptor;
    }

    public static WakeUp open() throws SystemCallException {
        int answer;
        try {
            answer = (int) EVENTFD.invokeExact(errnoSegment(), 0, EFD_CLOEXEC | EFD_NONBLOCK);
        } catch (Throwable inside) {
            throw broken("eventfd", inside);
        }
        return new WakeUp(checked("eventfd", answer));
    }

    /// Ends the present wait, or else the next one. Does nothing once closed.
    public synchronized void signal() {
        if (closed) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            // Can only fail with a full counter, and then the waiter has been told already.
            long ignored =
                    (long)
                            WRITE.invokeExact(
                                    errnoSegment(),
                                    descriptor,
                                    arena.allocateFrom(JAVA_LONG, 1L),
                                    (long) Long.BYTES);
        } catch (Throwable inside) {
            throw broken("write", inside);
        }
    }

    /// Waits for a signal.
    ///
    /// @param millis at most so long; 0 only looks
    public void await(int millis) throws SystemCallException {
        watch(0, descriptor);
        poll(1, millis);
        forget(0);
    }

    /// Waits for a signal or for something to read.
    ///
    /// @param millis at most so long; 0 only looks
    /// @return whether the next [SeqPacketSocket#receive] has something to say, an end included
    public boolean await(SeqPacketSocket socket, int millis) throws SystemCallException {
        watch(0, descriptor);
        watch(1, socket.descriptor());
        poll(2, millis);
        forget(0);
        return waits.get(JAVA_SHORT, POLLFD_SIZE + POLLFD_REVENTS) != 0;
    }

    @Override
    public synchronized void close() {
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

    private void watch(int index, int fd) {
        waits.set(JAVA_INT, index * POLLFD_SIZE, fd);
        waits.set(JAVA_SHORT, index * POLLFD_SIZE + POLLFD_EVENTS, POLLIN);
        waits.set(JAVA_SHORT, index * POLLFD_SIZE + POLLFD_REVENTS, (short) 0);
    }

    private void poll(int count, int millis) throws SystemCallException {
        int answer;
        try {
            answer = (int) POLL.invokeExact(errnoSegment(), waits, (long) count, millis);
        } catch (Throwable inside) {
            throw broken("poll", inside);
        }
        try {
            checked("poll", answer);
        } catch (SystemCallException failed) {
            // To the caller an interrupted wait is one that ended early.
            if (failed.errno() != Errno.EINTR) {
                throw failed;
            }
        }
    }

    /// Takes the signals that ended the wait, so that the next one waits again.
    private void forget(int index) throws SystemCallException {
        if (waits.get(JAVA_SHORT, index * POLLFD_SIZE + POLLFD_REVENTS) != 0) {
            LibC.read(descriptor, Long.BYTES);
        }
    }
}
