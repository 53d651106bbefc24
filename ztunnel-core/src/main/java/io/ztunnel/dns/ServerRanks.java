package io.ztunnel.dns;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Which server answers soonest. Confined to the worker's loop.
final class ServerRanks {
    /// What a failure counts as, at least.
    private static final long PENALTY_NANOS = 1_000_000_000;

    private final long[] smoothed;

    ServerRanks(int servers) {
        smoothed = new long[servers];
    }

    /// All servers, the best one first; equals in the order of the file.
    List<Integer> order() {
        List<Integer> order = new ArrayList<>(smoothed.length);
        for (int server = 0; server < smoothed.length; server++) {
            order.add(server);
        }
        order.sort(Comparator.comparingLong(server -> smoothed[server]));
        return order;
    }

    void answered(int server, long nanos) {
        long before = smoothed[server];
        smoothed[server] = before == 0 ? nanos : before - before / 8 + nanos / 8;
        // Whoever was bad once is tried again some time.
        for (int other = 0; other < smoothed.length; other++) {
            if (other != server) {
                smoothed[other] -= smoothed[other] / 64;
            }
        }
    }

    void failed(int server) {
        smoothed[server] =
                Math.max(PENALTY_NANOS, Math.min(smoothed[server] * 2, PENALTY_NANOS * 8));
    }
}
