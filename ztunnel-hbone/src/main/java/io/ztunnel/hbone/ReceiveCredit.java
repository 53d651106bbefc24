package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.Setting;

/// Receive window of a whole tunnel (RFC 9113 section 6.9).
///
/// Credit comes back on arrival, not on consumption, so that a stream nobody reads does not stall
/// its siblings; the stream's own window bounds what it can pile up. Beyond a budget of unread
/// bytes credit waits for consumption again, which bounds the whole.
final class ReceiveCredit {

    private final int size;
    private final long budget;
    private int window = Setting.DEFAULT_WINDOW;
    private int unannounced;
    private long unread;
    private long withheld;

    ReceiveCredit(int size, int budget) {
        this.size = size;
        this.budget = budget;
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
        if (unread <= budget) {
            unannounced += bytes;
        } else {
            withheld += bytes;
        }
    }

    void consumed(int bytes) {
        unread -= bytes;
        if (withheld > 0) {
            int given = (int) Math.min(withheld, bytes);
            withheld -= given;
            unannounced += given;
        }
    }

    /// Increment that is due to be announced; 0 when it is too little to bother.
    int due() {
        if (unannounced == 0 || unannounced < Math.max(window / 2, Math.min(size / 4, 4096))) {
            return 0;
        }
        int increment = unannounced;
        window += increment;
        unannounced = 0;
        return increment;
    }

    long unread() {
        return unread;
    }
}
