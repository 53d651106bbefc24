package io.ztunnel.net;

import io.ztunnel.net.linux.Errno;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Why a socket failed, in the form that operators know and search logs for: the kernel's sentence
/// and its number, `Connection refused (os error 111)`.
public final class SocketFailure {
    /// The transport's messages end with the number, the sentence and, for a connect, the address.
    private static final Pattern KERNEL =
            Pattern.compile("failed(?: with error)?\\(?-?(\\d+)?\\)?: ([A-Z][A-Za-z ]+)");

    private SocketFailure() {}

    /// Whether the machine has no such address: no IPv6, for example.
    public static boolean isNoSuchAddress(Throwable failure) {
        int errno = SocketOptions.errnoOf(failure);
        return errno == Errno.EAFNOSUPPORT || errno == Errno.EADDRNOTAVAIL;
    }

    public static String textOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String message = root.getMessage();
        if (message == null) {
            return root.getClass().getSimpleName();
        }
        Matcher kernel = KERNEL.matcher(message);
        if (!kernel.find()) {
            return message;
        }
        String number = kernel.group(1);
        return kernel.group(2) + (number == null ? "" : " (os error " + number + ")");
    }
}
