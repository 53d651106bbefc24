package io.ztunnel.net;

import io.ztunnel.net.linux.Errno;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SystemCallException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How many sockets listen on a port of a namespace: ours and those of whoever shares it with us.
/// Any platform thread.
public final class PortMembers {
    private static final String LISTENING = "0A";
    private static final int CHUNK = 64 * 1024;

    private PortMembers() {}

    /// @param wildcard listeners for every address
    /// @param single listeners for one address; for it they go before the others
    public record Count(int wildcard, int single) {}

    /// Who listens on the ports.
    ///
    /// @throws IOException when the namespace is gone or its table cannot be read
    public static Map<Integer, Count> count(Netns netns, int... ports) throws IOException {
        String both = table(netns, "tcp") + table(netns, "tcp6");
        Map<Integer, Count> counts = new HashMap<>();
        for (int port : ports) {
            counts.put(port, counted(both, port));
        }
        return counts;
    }

    /// The least number of the ports that listen for every address.
    static int least(Netns netns, int... ports) throws IOException {
        return count(netns, ports).values().stream()
                .mapToInt(Count::wildcard)
                .min()
                .orElse(Integer.MAX_VALUE);
    }

    static Count counted(String tables, int port) {
        String suffix = String.format(Locale.ROOT, ":%04X", port);
        List<String> listening =
                tables.lines()
                        .map(line -> line.strip().split("\\s+"))
                        .filter(field -> field.length > 3 && field[3].equals(LISTENING))
                        .map(field -> field[1])
                        .filter(address -> address.endsWith(suffix))
                        .toList();
        int wildcard =
                (int) listening.stream().filter(address -> address.matches("0+" + suffix)).count();
        return new Count(wildcard, listening.size() - wildcard);
    }

    /// What comes first in the kernel's list: those that listen, and some that do not.
    private static String table(Netns netns, String name) throws IOException {
        int descriptor;
        try {
            // The namespace of the opening thread decides whose table it is; reading can wait.
            descriptor = netns.call(() -> open("/proc/thread-self/net/" + name));
        } catch (UncheckedIOException failed) {
            if (name.equals("tcp6")
                    && failed.getCause() instanceof SystemCallException refused
                    && refused.errno() == Errno.ENOENT) {
                // A kernel without IPv6 has no such table.
                return "";
            }
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
