package io.ztunnel.hbone;

/// Streams that we reset a moment ago: the peer may not know yet, and what it still sends for
/// them is no fault (RFC 9113 section 5.1, "closed"). Remembers the last 256; exists only after
/// the first.
final class RecentResets {

    private static final int KEPT = 256;

    private int[] ids = {};
    private int next;

    void add(int id) {
        if (ids.length == 0) {
            ids = new int[KEPT];
        }
        ids[next] = id;
        next = next + 1 & KEPT - 1;
    }

    boolean contains(int id) {
        for (int reset : ids) {
            if (reset == id) {
                return true;
            }
        }
        return false;
    }
}
