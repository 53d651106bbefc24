package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/// Service port to target port, a handful of entries in two small sorted arrays.
///
/// A target port of 0 stands for a named port that only the endpoint can resolve.
public final class PortMap {
    public static final PortMap EMPTY = new PortMap(new char[0], new char[0]);

    private final char[] from;
    private final char[] to;

    private PortMap(char[] from, char[] to) {
        this.from = from;
        this.to = to;
    }

    /// @param ports both sides 0 to 65535; larger values lose their upper bits, as they do upstream
    public static PortMap of(Map<Integer, Integer> ports) {
        if (ports.isEmpty()) {
            return EMPTY;
        }
        Map<Integer, Integer> sorted = new TreeMap<>();
        ports.forEach((service, target) -> sorted.put(service & 0xffff, target & 0xffff));
        char[] from = new char[sorted.size()];
        char[] to = new char[sorted.size()];
        int i = 0;
        for (Map.Entry<Integer, Integer> entry : sorted.entrySet()) {
            from[i] = (char) (int) entry.getKey();
            to[i++] = (char) (int) entry.getValue();
        }
        return new PortMap(from, to);
    }

    /// The target port, 0 for a named one, or -1 where the service port is not mapped.
    public int targetOf(int servicePort) {
        int at = Arrays.binarySearch(from, (char) servicePort);
        return at < 0 ? -1 : to[at];
    }

    /// Whether any service port leads to this target port.
    public boolean hasTarget(int targetPort) {
        for (char target : to) {
            if (target == targetPort) {
                return true;
            }
        }
        return false;
    }

    public int size() {
        return from.length;
    }

    public int servicePortAt(int index) {
        return from[index];
    }

    public int targetPortAt(int index) {
        return to[index];
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PortMap that
                && Arrays.equals(from, that.from)
                && Arrays.equals(to, that.to);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(from) + Arrays.hashCode(to);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < from.length; i++) {
            text.append(i == 0 ? "" : ", ").append((int) from[i]).append('=').append((int) to[i]);
        }
        return text.append('}').toString();
    }
}
