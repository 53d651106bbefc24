package io.ztunnel.hbone;

import java.util.ArrayDeque;

/// How many received bytes the tunnels of one event loop may hold that nobody has consumed yet,
/// divided fairly among their owners.
///
/// An owner may use what others leave. It is asked to hold back first when there is little left and
/// it has more than its part: beyond half of the budget its windows shrink, beyond the whole its
/// tunnels are not read any more, but for glances ([Pause]). Owners below their part notice
/// nothing, so all together hold less than twice the budget and an eighth, and what one read
/// brings. Confined to the loop.
public final class ReceiveBudget {
    private final long limit;
    private final ArrayDeque<Parked> parked = new ArrayDeque<>();
    private long held;
    private int holders;

    private record Parked(Share share, TunnelConnection tunnel) {}

    /// @param limit bytes, at least 1
    public ReceiveBudget(long limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("a budget is at least one byte: " + limit);
        }
        this.limit = limit;
    }

    /// A share in a budget of its own that is never spent.
    public static Share unlimited() {
        return new ReceiveBudget(Long.MAX_VALUE).newShare();
    }

    public Share newShare() {
        return new Share();
    }

    /// Bytes of all owners.
    public long held() {
        return held;
    }

    private void unpark() {
        for (int left = parked.size(); left > 0; left--) {
            Parked next = parked.poll();
            if (next == null) {
                return;
            }
            if (next.share.isOver(limit - limit / 4)) {
                parked.add(next);
            } else {
                next.tunnel.unparkSoon();
            }
        }
    }

    /// What one owner, a pod, has of it.
    public final class Share {
        private long mine;

        private Share() {}

        /// Bytes were taken from a sender and wait for somebody.
        public void hold(long bytes) {
            if (bytes > 0) {
                if (mine == 0) {
                    holders++;
                }
                mine += bytes;
                held += bytes;
            }
        }

        /// Bytes went on, or were dropped. At most as many as are held.
        public void release(long bytes) {
            if (bytes <= 0) {
                return;
            }
            mine -= bytes;
            held -= bytes;
            if (mine == 0) {
                holders--;
            }
            if (!parked.isEmpty()) {
                unpark();
            }
        }

        /// Whether senders should be given less room.
        public boolean isTight() {
            return isOver(limit / 2);
        }

        /// Whether nothing new should begin.
        public boolean isSpent() {
            return isOver(limit);
        }

        public long held() {
            return mine;
        }

        /// Whether a tunnel that is not read may be looked at: what that brings stays within an
        /// eighth of the budget, beside what the owner may hold.
        boolean allowsGlances() {
            return held <= limit + limit / 8;
        }

        private boolean isOver(long part) {
            return held > part && mine > part / holders;
        }

        void park(TunnelConnection tunnel) {
            parked.add(new Parked(this, tunnel));
        }
    }
}
