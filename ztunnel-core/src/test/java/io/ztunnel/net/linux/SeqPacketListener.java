package io.ztunnel.net.linux;

import static io.ztunnel.net.linux.Native.broken;
import static io.ztunnel.net.linux.Native.checked;
import static io.ztunnel.net.linux.Native.errnoSegment;
import static io.ztunnel.net.linux.Native.link;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/// The other side of [SeqPacketSocket], for tests: listens, accepts, and sends with descriptors.
public final class SeqPacketListener implements AutoCloseable {
    // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
    private static final MethodHandle BIND =
            link("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

    // int listen(int sockfd, int backlog);
    private static final MethodHandle LISTEN =
            link("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

    // int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags);
    private static final MethodHandle ACCEPT =
            link("accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));

    // ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags);
    private static final MethodHandle SENDMSG =
            link("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

    // int shutdown(int sockfd, int how);
    private static final MethodHandle SHUTDOWN =
            link("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

    private final int descriptor;

    private SeqPacketListener(int descriptor) {
        this.descriptor = descriptor;
    }

    public static SeqPacketListener listen(Path path, int backlog) throws SystemCallException {
        int socket = SeqPacketSocket.socket(SeqPacketSocket.SOCK_NONBLOCK);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = SeqPacketSocket.address(arena, path);
            int answer;
            try {
                answer =
                        (int)
                                BIND.invokeExact(
                                        errnoSegment(), socket, address, (int) address.byteSize());
            } catch (Throwable inside) {
                throw broken("bind", inside);
            }
            checked("bind", answer);
            try {
                answer = (int) LISTEN.invokeExact(errnoSegment(), socket, backlog);
            } catch (Throwable inside) {
                throw broken("listen", inside);
            }
            checked("listen", answer);
        } catch (SystemCallException failed) {
            LibC.close(socket);
            throw failed;
        }
        return new SeqPacketListener(socket);
    }

    /// Fails with [Errno#EAGAIN] when nobody waits.
    public SeqPacketSocket accept(int packetLimit) throws SystemCallException {
        int answer;
        try {
            answer =
                    (int)
                            ACCEPT.invokeExact(
                                    errnoSegment(),
                                    descriptor,
                                    MemorySegment.NULL,
                                    MemorySegment.NULL,
                                    SeqPacketSocket.SOCK_CLOEXEC | SeqPacketSocket.SOCK_NONBLOCK);
        } catch (Throwable inside) {
            throw broken("accept4", inside);
        }
        return new SeqPacketSocket(checked("accept4", answer), packetLimit);
    }

    /// Sends one packet, empty or not, with open files.
    public static void send(SeqPacketSocket to, byte[] packet, int... descriptors)
            throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment vector = arena.allocate(SeqPacketSocket.IOVEC_SIZE, 8);
            vector.set(ADDRESS, SeqPacketSocket.IOV_BASE, arena.allocateFrom(JAVA_BYTE, packet));
            vector.set(JAVA_LONG, SeqPacketSocket.IOV_LEN, packet.length);
            MemorySegment header = arena.allocate(SeqPacketSocket.MSGHDR_SIZE, 8);
            header.set(ADDRESS, SeqPacketSocket.MSG_IOV, vector);
            header.set(JAVA_LONG, SeqPacketSocket.MSG_IOVLEN, 1);
            if (descriptors.length > 0) {
                MemorySegment control = rights(arena, descriptors);
                header.set(ADDRESS, SeqPacketSocket.MSG_CONTROL, control);
                header.set(JAVA_LONG, SeqPacketSocket.MSG_CONTROLLEN, control.byteSize());
            }
            long answer;
            try {
                answer =
                        (long)
                                SENDMSG.invokeExact(
                                        errnoSegment(),
                                        to.descriptor(),
                                        header,
                                        SeqPacketSocket.MSG_NOSIGNAL
                                                | SeqPacketSocket.MSG_DONTWAIT);
            } catch (Throwable inside) {
                throw broken("sendmsg", inside);
            }
            checked("sendmsg", answer);
        }
    }

    /// Stops one direction: 0 reading, 1 writing, 2 both.
    public static void shutdown(SeqPacketSocket socket, int how) throws SystemCallException {
        int answer;
        try {
            answer = (int) SHUTDOWN.invokeExact(errnoSegment(), socket.descriptor(), how);
        } catch (Throwable inside) {
            throw broken("shutdown", inside);
        }
        checked("shutdown", answer);
    }

    @Override
    public void close() throws SystemCallException {
        LibC.close(descriptor);
    }

    private static MemorySegment rights(Arena arena, int[] descriptors) {
        long length = SeqPacketSocket.CMSG_DATA + 4L * descriptors.length;
        MemorySegment control = arena.allocate((length + 7) & ~7L, 8);
        control.set(JAVA_LONG, SeqPacketSocket.CMSG_LEN, length);
        control.set(JAVA_INT, SeqPacketSocket.CMSG_LEVEL, SeqPacketSocket.SOL_SOCKET);
        control.set(JAVA_INT, SeqPacketSocket.CMSG_TYPE, SeqPacketSocket.SCM_RIGHTS);
        MemorySegment.copy(
                descriptors, 0, control, JAVA_INT, SeqPacketSocket.CMSG_DATA, descriptors.length);
        return control;
    }
}
