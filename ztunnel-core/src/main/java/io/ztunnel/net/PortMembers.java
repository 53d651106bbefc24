package io.ztunnel.net;

import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SystemCallException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// How many sockets listen on a port of a namespace for every address: ours and those of whoever
/// shares it with us. Any platform thread.
final class PortMembers {
    private static final String LISTENING = "0A";
    private static final int CHUNK = 64 * 1024;

    private PortMembers() {}

    /// The least number of the ports.
    static int least(Netns netns, int... ports) throws IOException {
        String both = table(netns, "tcp") + table(netns, "tcp6");
        int least = Integer.MAX_VALUE;
        for (int port : ports) {
            least = Math.min(least, count(both, port));
        }
        return least;
    }

    static int count(String tables, int port) {
        String suffix = String.format(Locale.ROOT, ":%04X", port);
        return (int)
                tables.lines()
                        .map(line -> line.strip().split("\\s+"))
                        .filter(field -> field.length > 3 && field[3].equals(LISTENING))
                        .filter(field -> field[1].matches("0+" + suffix))
                        .count();
    }

    /// What comes first in the kernel's list: those that listen, and some that do not.
    private static String table(Netns netns, String name) throws IOException {
        int descriptor;
        try {
            // The namespace of the opening thread decides whose table it is; reading can wait.
            descriptor = netns.call(() -> open("/proc/thread-self/net/" + name));
        } catch (UncheckedIOException failed) {
            throw failed.getCause();
        }
        try {
            StringBuilder text = new StringBuilder();
            byte[] chunk = LibC.read(descriptor, CHUNK);
            while (chunk.length > 0) {
                String part = new String(chunk, StandardCharsets.US_ASCII);
                text.append(part);
                if (endsBeyondListeners(part)) {
                    break;
                }
                chunk = LibC.read(descriptor, CHUNK);
            }
            return text.append('\n').toString();
        } finally {
            LibC.close(descriptor);
        }
    }

    private static boolean endsBeyondListeners(String part) {
        String[] lines = part.split("\n");
        String[] last = lines[Math.max(0, lines.length - 2)].strip().split("\\s+");
        return last.length > 3 && !last[3].equals(LISTENING) && !last[3].equals("st");
    }

    private static int open(String path) {
        try {
            return LibC.open(path);
        } catch (SystemCallException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
