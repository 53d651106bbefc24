package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.Setting;

/// Receive window of a whole tunnel (RFC 9113 section 6.9).
///
/// Credit comes back on arrival, not on consumption, so that a stream nobody reads does not stall
/// its siblings; the stream's own window bounds what it can pile up. Beyond a budget of unread
/// bytes credit waits for consumption again, which bounds the whole. Where the owner's share of all
/// tunnels runs short, so does the budget of each, and windows shrink as they are used up.
final class ReceiveCredit {

    /// Window of a tunnel whose owner has to hold back: enough to go on, too little to pile up.
    static final int SHRUNK = 256 * 1024;

    private final int size;
    private final long budget;
    private final ReceiveBudget.Share share;
    private int window = Setting.DEFAULT_WINDOW;
    private int unannounced;
    private long unread;
    private long withheld;

    ReceiveCredit(int size, int budget, ReceiveBudget.Share share) {
        this.size = size;
        this.budget = budget;
        this.share = share;
        this.unannounced = size - Setting.DEFAULT_WINDOW;
    }

    boolean accepts(int length) {
        return length <= window;
    }

    void took(int length) {
        window -= length;
    }

    /// Bytes that nobody will consume: padding, and data of streams that are gone.
    void discarded(int bytes) {
        unannounced += bytes;
    }

    void arrived(int bytes) {
        unread += bytes;
        share.hold(bytes);
        if (unread <= budget && !share.isTight()) {
            unannounced += bytes;
        } else {
            withheld += bytes;
        }
    }

    void consumed(int bytes) {
        unread -= bytes;
        share.release(bytes);
        if (withheld > 0) {
            int given = (int) Math.min(withheld, bytes);
            withheld -= given;
            unannounced += given;
        }
    }

    /// Increment that is due to be announced; 0 when it is too little to bother.
    int due() {
        if (unannounced == 0) {
            return 0;
        }
        int aim = share.isTight() ? Math.min(size, SHRUNK) : size;
        int increment = Math.min(unannounced, aim - window);
        if (increment < Math.max(window / 2, Math.min(aim / 4, 4096))) {
            return 0;
        }
        window += increment;
        unannounced -= increment;
        return increment;
    }

    /// Whether the owner has used up its share, and this tunnel has a part in it.
    boolean mustStop() {
        return unread > Setting.DEFAULT_WINDOW && share.isSpent();
    }

    ReceiveBudget.Share share() {
        return share;
    }

    long unread() {
        return unread;
    }
}
