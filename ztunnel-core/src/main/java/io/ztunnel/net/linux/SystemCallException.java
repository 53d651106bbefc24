package io.ztunnel.net.linux;

import java.io.IOException;

/// A system call said no.
///
/// The message reads `<call>: <errno and meaning>`, for example `setns: EPERM, operation not
/// permitted`.
public final class SystemCallException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    public SystemCallException(String call, int errno) {
        super(call + ": " + Errno.describe(errno));
        this.call = call;
        this.errno = errno;
    }

    /// The function's name as in its manual page.
    public String call() {
        return call;
    }

    /// One of [Errno], or another positive number.
    public int errno() {
        return errno;
    }
}
