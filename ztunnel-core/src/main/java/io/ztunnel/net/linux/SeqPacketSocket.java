package io.ztunnel.net.linux;

import static io.ztunnel.net.linux.Native.broken;
import static io.ztunnel.net.linux.Native.checked;
import static io.ztunnel.net.linux.Native.errnoSegment;
import static io.ztunnel.net.linux.Native.link;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A connected `AF_UNIX` socket of packets, which may carry open files along.
///
/// Never waits: [WakeUp#await(SeqPacketSocket, int)] does. One thread at a time.
/// docs/spec/inpod-and-deployment.md 1.1 and 1.4.
public final class SeqPacketSocket implements AutoCloseable {
    /// Longest name of a socket file: 108 bytes with the final NUL.
    static final int MAX_PATH_BYTES = 107;

    static final int AF_UNIX = 1;
    static final int SOCK_SEQPACKET = 5;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOCK_NONBLOCK = 0x800;
    static final int MSG_DONTWAIT = 0x40;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int SOL_SOCKET = 1;
    static final int SCM_RIGHTS = 1;

    private static final int MSG_CTRUNC = 0x8;
    private static final int MSG_TRUNC = 0x20;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    // struct msghdr
    static final long MSGHDR_SIZE = 56;
    static final long MSG_IOV = 16;
    static final long MSG_IOVLEN = 24;
    static final long MSG_CONTROL = 32;
    static final long MSG_CONTROLLEN = 40;
    private static final long MSG_FLAGS = 48;

    // struct iovec
    static final long IOVEC_SIZE = 16;
    static final long IOV_BASE = 0;
    static final long IOV_LEN = 8;

    // struct cmsghdr
    static final long CMSG_LEN = 0;
    static final long CMSG_LEVEL = 8;
    static final long CMSG_TYPE = 12;
    static final long CMSG_DATA = 16;

    /// `CMSG_SPACE(sizeof(int))`. Because of its padding two descriptors fit.
    private static final long CONTROL_SIZE = 24;

    // struct sockaddr_un
    private static final long SOCKADDR_UN_SIZE = 110;
    private static final long SUN_PATH = 2;

    // int socket(int domain, int type, int protocol);
    private static final MethodHandle SOCKET =
            link("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));

    // int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
    private static final MethodHandle CONNECT =
            link("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

    // ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags);
    private static final MethodHandle RECVMSG =
            link("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

    // ssize_t send(int sockfd, const void *buf, size_t len, int flags);
    private static final MethodHandle SEND =
            link("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private final int descriptor;
    private final int packetLimit;
    private final MemorySegment header;
    private final MemorySegment data;
    private final MemorySegment control;
    private boolean closed;

    /// Takes the descriptor over.
    SeqPacketSocket(int descriptor, int packetLimit) {
        this.descriptor = descriptor;
        this.packetLimit = packetLimit;
        Arena arena = Arena.ofAuto();
        this.header = arena.allocate(MSGHDR_SIZE, 8);
        this.data = arena.allocate(packetLimit, 8);
        this.control = arena.allocate(CONTROL_SIZE, 8);
        MemorySegment vector = arena.allocate(IOVEC_SIZE, 8);
        vector.set(ADDRESS, IOV_BASE, data);
        vector.set(JAVA_LONG, IOV_LEN, packetLimit);
        header.set(ADDRESS, MSG_IOV, vector);
        header.set(JAVA_LONG, MSG_IOVLEN, 1);
        header.set(ADDRESS, MSG_CONTROL, control);
    }

    /// Connects, or fails at once.
    ///
    /// [Errno#EAGAIN] is a failure like others: for this family it means that the listener's queue
    /// is full, and the connection will never come about.
    ///
    /// @param packetLimit bytes of the largest packet that is read whole
    public static SeqPacketSocket connect(Path path, int packetLimit) throws SystemCallException {
        int socket = socket(SOCK_NONBLOCK);
        int answer;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            try {
                answer =
                        (int)
                                CONNECT.invokeExact(
                                        errnoSegment(), socket, address, (int) address.byteSize());
            } catch (Throwable inside) {
                throw broken("connect", inside);
            }
            checked("connect", answer);
        } catch (SystemCallException | RuntimeException failed) {
            LibC.close(socket);
            throw failed;
        }
        return new SeqPacketSocket(socket, packetLimit);
    }

    /// What came, with its descriptors: they belong to the caller from now on, whatever else is
    /// true of the packet.
    public static final class Packet {
        private final byte[] bytes;
        private final List<Integer> descriptors;
        private final boolean cut;
        private final boolean ended;

        Packet(byte[] bytes, List<Integer> descriptors, boolean cut, boolean ended) {
            this.bytes = bytes;
            this.descriptors = descriptors;
            this.cut = cut;
            this.ended = ended;
        }

        /// The packet's beginning, up to the limit. Not copied.
        public byte[] bytes() {
            return bytes;
        }

        /// As many as could be received, closed on exec.
        public List<Integer> descriptors() {
            return descriptors;
        }

        /// Whether the packet was longer than the limit, or carried more than could be received.
        public boolean cut() {
            return cut;
        }

        /// Whether there is no packet because the peer has closed. Should a peer send descriptors
        /// with nothing else, they are handed over nevertheless.
        public boolean ended() {
            return ended;
        }
    }

    /// The next packet, or null when there is none yet.
    public @Nullable Packet receive() throws SystemCallException {
        header.set(JAVA_LONG, MSG_CONTROLLEN, CONTROL_SIZE);
        header.set(JAVA_INT, MSG_FLAGS, 0);
        long answer;
        try {
            answer =
                    (long)
                            RECVMSG.invokeExact(
                                    errnoSegment(),
                                    descriptor,
                                    header,
                                    MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        } catch (Throwable inside) {
            throw broken("recvmsg", inside);
        }
        try {
            checked("recvmsg", answer);
        } catch (SystemCallException failed) {
            if (failed.errno() == Errno.EAGAIN || failed.errno() == Errno.EINTR) {
                return null;
            }
            throw failed;
        }
        List<Integer> descriptors = receivedDescriptors();
        boolean cut = (header.get(JAVA_INT, MSG_FLAGS) & (MSG_TRUNC | MSG_CTRUNC)) != 0;
        byte[] bytes = data.asSlice(0, Math.min(answer, packetLimit)).toArray(JAVA_BYTE);
        return new Packet(bytes, descriptors, cut, answer == 0);
    }

    /// Sends one packet. Where the peer does not take it at once, it fails with [Errno#EAGAIN].
    public void send(byte[] packet) throws SystemCallException {
        long answer;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, packet);
            try {
                answer =
                        (long)
                                SEND.invokeExact(
                                        errnoSegment(),
                                        descriptor,
                                        bytes,
                                        (long) packet.length,
                                        MSG_NOSIGNAL | MSG_DONTWAIT);
            } catch (Throwable inside) {
                throw broken("send", inside);
            }
        }
        checked("send", answer);
    }

    /// The user who runs the other end.
    public int peerUser() throws SystemCallException {
        return LibC.peerUser(descriptor);
    }

    /// The user who runs this end.
    public int ownUser() {
        return LibC.effectiveUser();
    }

    @Override
    public void close() throws SystemCallException {
        if (!closed) {
            closed = true;
            LibC.close(descriptor);
        }
    }

    /// A new socket of this kind, closed on exec.
    static int socket(int flags) throws SystemCallException {
        int answer;
        try {
            answer =
                    (int)
                            SOCKET.invokeExact(
                                    errnoSegment(),
                                    AF_UNIX,
                                    SOCK_SEQPACKET | SOCK_CLOEXEC | flags,
                                    0);
        } catch (Throwable inside) {
            throw broken("socket", inside);
        }
        return checked("socket", answer);
    }

    /// `struct sockaddr_un`.
    static MemorySegment address(Arena arena, Path path) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > MAX_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "a socket's name has at most " + MAX_PATH_BYTES + " bytes: " + path);
        }
        MemorySegment address = arena.allocate(SOCKADDR_UN_SIZE, 8);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, SUN_PATH, name.length);
        return address;
    }

    int descriptor() {
        return descriptor;
    }

    private List<Integer> receivedDescriptors() {
        List<Integer> found = new ArrayList<>(1);
        long end = Math.min(header.get(JAVA_LONG, MSG_CONTROLLEN), CONTROL_SIZE);
        long at = 0;
        while (at + CMSG_DATA <= end) {
            long length = control.get(JAVA_LONG, at + CMSG_LEN);
            if (length < CMSG_DATA || at + length > end) {
                break;
            }
            if (control.get(JAVA_INT, at + CMSG_LEVEL) == SOL_SOCKET
                    && control.get(JAVA_INT, at + CMSG_TYPE) == SCM_RIGHTS) {
                for (long data = at + CMSG_DATA;
                        data + Integer.BYTES <= at + length;
                        data += Integer.BYTES) {
                    found.add(control.get(JAVA_INT, data));
                }
            }
            at += (length + 7) & ~7L;
        }
        return found;
    }
}
