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
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Functions of the C library, under their own names.
///
/// Any thread; calls act on the calling one. All throw [SystemCallException].
/// Layouts and constants: docs/spec/inpod-and-deployment.md 9.1 to 9.3.
public final class LibC {
    public static final int CLONE_NEWNET = 0x40000000;

    static final int O_RDONLY = 0;
    static final int O_CLOEXEC = 0x80000;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int NS_GET_NSTYPE = 0xb703;
    static final int RLIMIT_NOFILE = 7;

    // The larger of the two: 144 bytes on x86_64, 128 on aarch64.
    private static final long STAT_SIZE = 144;
    private static final long STAT_DEV = 0;
    private static final long STAT_INO = 8;

    // int setns(int fd, int nstype);
    private static final MethodHandle SETNS =
            link("setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

    // int open(const char *pathname, int flags, ...);
    private static final MethodHandle OPEN =
            link(
                    "open",
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                    Linker.Option.firstVariadicArg(2));

    // int close(int fd);
    private static final MethodHandle CLOSE =
            link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    // int fstat(int fd, struct stat *statbuf);
    private static final MethodHandle FSTAT =
            link("fstat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

    // int fcntl(int fd, int op, ...);
    private static final MethodHandle FCNTL =
            link(
                    "fcntl",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                    Linker.Option.firstVariadicArg(2));

    // int ioctl(int fd, unsigned long op, ...);
    private static final MethodHandle IOCTL =
            link(
                    "ioctl",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG),
                    Linker.Option.firstVariadicArg(2));

    // ssize_t read(int fd, void *buf, size_t count);
    private static final MethodHandle READ =
            link("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));

    // uid_t geteuid(void);
    private static final MethodHandle GETEUID = link("geteuid", FunctionDescriptor.of(JAVA_INT));

    // int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen);
    private static final MethodHandle GETSOCKOPT =
            link(
                    "getsockopt",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

    // int getrlimit(int resource, struct rlimit *rlim);
    private static final MethodHandle GETRLIMIT =
            link("getrlimit", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

    // int setrlimit(int resource, const struct rlimit *rlim);
    private static final MethodHandle SETRLIMIT =
            link("setrlimit", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

    private LibC() {}

    /// Moves the calling thread into the namespace that `fd` refers to. Platform threads only.
    public static void setns(int fd, int namespaceType) throws SystemCallException {
        int answer;
        try {
            answer = (int) SETNS.invokeExact(errnoSegment(), fd, namespaceType);
        } catch (Throwable inside) {
            throw broken("setns", inside);
        }
        checked("setns", answer);
    }

    /// Opens for reading, closed on exec.
    public static int open(String path) throws SystemCallException {
        int answer;
        try (Arena arena = Arena.ofConfined()) {
            answer =
                    (int)
                            OPEN.invokeExact(
                                    errnoSegment(), arena.allocateFrom(path), O_RDONLY | O_CLOEXEC);
        } catch (Throwable inside) {
            throw broken("open", inside);
        }
        return checked("open", answer);
    }

    public static void close(int fd) throws SystemCallException {
        int answer;
        try {
            answer = (int) CLOSE.invokeExact(errnoSegment(), fd);
        } catch (Throwable inside) {
            throw broken("close", inside);
        }
        checked("close", answer);
    }

    /// Another descriptor of the same open file, closed on exec.
    public static int duplicate(int fd) throws SystemCallException {
        int answer;
        try {
            answer = (int) FCNTL.invokeExact(errnoSegment(), fd, F_DUPFD_CLOEXEC, 0);
        } catch (Throwable inside) {
            throw broken("fcntl", inside);
        }
        return checked("fcntl", answer);
    }

    /// Which file is open as `fd`.
    public static FileIdentity fstat(int fd) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(STAT_SIZE, 8);
            int answer;
            try {
                answer = (int) FSTAT.invokeExact(errnoSegment(), fd, stat);
            } catch (Throwable inside) {
                throw broken("fstat", inside);
            }
            checked("fstat", answer);
            return new FileIdentity(stat.get(JAVA_LONG, STAT_DEV), stat.get(JAVA_LONG, STAT_INO));
        }
    }

    /// The kind of namespace behind `fd`, for example [#CLONE_NEWNET]; fails with [Errno#ENOTTY]
    /// when it is not a namespace at all.
    public static int namespaceType(int fd) throws SystemCallException {
        int answer;
        try {
            answer = (int) IOCTL.invokeExact(errnoSegment(), fd, (long) NS_GET_NSTYPE);
        } catch (Throwable inside) {
            throw broken("ioctl", inside);
        }
        return checked("ioctl", answer);
    }

    /// Up to `limit` bytes from the descriptor's position; fewer at the end of the file.
    public static byte[] read(int fd, int limit) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(limit);
            long answer;
            try {
                answer = (long) READ.invokeExact(errnoSegment(), fd, buffer, (long) limit);
            } catch (Throwable inside) {
                throw broken("read", inside);
            }
            return buffer.asSlice(0, checked("read", answer)).toArray(JAVA_BYTE);
        }
    }

    /// The user who listens at the other end of a connected `AF_UNIX` socket.
    static int peerUser(int socket) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
            MemorySegment credentials = arena.allocate(12, 4);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 12);
            int answer;
            try {
                answer =
                        (int)
                                GETSOCKOPT.invokeExact(
                                        errnoSegment(),
                                        socket,
                                        SocketConstants.SOL_SOCKET,
                                        SocketConstants.SO_PEERCRED,
                                        credentials,
                                        length);
            } catch (Throwable inside) {
                throw broken("getsockopt", inside);
            }
            checked("getsockopt", answer);
            return credentials.get(JAVA_INT, 4);
        }
    }

    /// Whom the kernel takes this process for.
    static int effectiveUser() {
        try {
            return (int) GETEUID.invokeExact(errnoSegment());
        } catch (Throwable inside) {
            throw broken("geteuid", inside);
        }
    }

    /// Raises the number of files this process may open to the hard limit.
    ///
    /// @return the limit now in force
    public static long raiseOpenFileLimit() throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(16, 8);
            int answer;
            try {
                answer = (int) GETRLIMIT.invokeExact(errnoSegment(), RLIMIT_NOFILE, limits);
            } catch (Throwable inside) {
                throw broken("getrlimit", inside);
            }
            checked("getrlimit", answer);
            long hard = limits.get(JAVA_LONG, 8);
            if (limits.get(JAVA_LONG, 0) == hard) {
                return hard;
            }
            limits.set(JAVA_LONG, 0, hard);
            try {
                answer = (int) SETRLIMIT.invokeExact(errnoSegment(), RLIMIT_NOFILE, limits);
            } catch (Throwable inside) {
                throw broken("setrlimit", inside);
            }
            checked("setrlimit", answer);
            return hard;
        }
    }
}
