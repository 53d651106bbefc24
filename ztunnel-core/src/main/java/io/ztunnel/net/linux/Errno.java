package io.ztunnel.net.linux;

/// Numbers the kernel answers with, equal on x86_64 and aarch64 (docs/spec/inpod-and-deployment.md
/// 9.1).
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int EACCES = 13;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOTTY = 25;
    public static final int ENOSYS = 38;
    public static final int ENOPROTOOPT = 92;
    public static final int EAFNOSUPPORT = 97;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int ECONNRESET = 104;
    public static final int ENOTCONN = 107;
    public static final int ECONNREFUSED = 111;

    private Errno() {}

    /// The symbol and its meaning, or the bare number for one we never expect.
    public static String describe(int errno) {
        return switch (errno) {
            case EPERM -> "EPERM, operation not permitted";
            case ENOENT -> "ENOENT, no such file or directory";
            case EINTR -> "EINTR, interrupted system call";
            case EBADF -> "EBADF, bad file descriptor";
            case EAGAIN -> "EAGAIN, try again";
            case EACCES -> "EACCES, permission denied";
            case EINVAL -> "EINVAL, invalid argument";
            case ENFILE -> "ENFILE, too many open files in the system";
            case EMFILE -> "EMFILE, too many open files";
            case ENOTTY -> "ENOTTY, inappropriate ioctl for device";
            case ENOSYS -> "ENOSYS, function not implemented";
            case ENOPROTOOPT -> "ENOPROTOOPT, protocol not available";
            case EAFNOSUPPORT -> "EAFNOSUPPORT, address family not supported";
            case EADDRINUSE -> "EADDRINUSE, address already in use";
            case EADDRNOTAVAIL -> "EADDRNOTAVAIL, cannot assign requested address";
            case ECONNRESET -> "ECONNRESET, connection reset by peer";
            case ENOTCONN -> "ENOTCONN, not connected";
            case ECONNREFUSED -> "ECONNREFUSED, connection refused";
            default -> "errno " + errno;
        };
    }
}
