package io.ztunnel.worker;

import io.ztunnel.hbone.ReceiveBudget;

/// What one worker may have at once: its part of what the node has, divided fairly among pods.
///
/// A pod may always use its even part. Beyond, it borrows from what others leave, but never so much
/// that less than a quarter of what it has stays free; so there is room for whoever comes, and the
/// one who is over its part is refused first. With one pod the whole is its part. Confined to the
/// worker's loop.
public final class WorkerBudget {
    /// A pod beyond its part may have this many times what is still free.
    private static final int BORROW = 4;

    /// What is counted.
    public enum Kind {
        /// Descriptors: two for a connection, one for a tunnel and for each stream that arrives.
        SOCKETS("sockets"),
        /// TLS handshakes of arriving tunnels that are under way.
        HANDSHAKES("handshakes"),
        /// DNS questions that wait for an answer from elsewhere.
        QUERIES("dns_queries"),
        /// Bytes that nobody has consumed; not taken, but asked before something new begins.
        BUFFERS("buffers");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        /// As metrics and log lines call it.
        public String label() {
            return label;
        }
    }

    /// @param sockets at least 1
    /// @param handshakes at least 1
    /// @param bufferedBytes at least 1
    /// @param queries at least 1
    public record Limits(long sockets, long handshakes, long bufferedBytes, long queries) {

        /// The part of one of several workers.
        public Limits dividedBy(int workers) {
            return new Limits(
                    Math.max(1, sockets / workers),
                    Math.max(1, handshakes / workers),
                    Math.max(1, bufferedBytes / workers),
                    Math.max(1, queries / workers));
        }
    }

    private final Limits limits;
    private final ReceiveBudget received;
    private long sockets;
    private long handshakes;
    private long queries;
    private int shares;

    public WorkerBudget(Limits limits) {
        this.limits = limits;
        this.received = new ReceiveBudget(limits.bufferedBytes());
    }

    /// Sockets of all pods.
    public long sockets() {
        return sockets;
    }

    /// Bytes of all pods.
    public long bufferedBytes() {
        return received.held();
    }

    Share newShare() {
        shares++;
        return new Share(received.newShare());
    }

    private boolean allows(long limit, long used, long mine, int amount) {
        long free = limit - used;
        long after = mine + amount;
        return amount <= free && (after * shares <= limit || after <= BORROW * free);
    }

    /// What one pod has of it.
    public final class Share {
        private final ReceiveBudget.Share buffers;
        private long mySockets;
        private long myHandshakes;
        private long myQueries;

        private Share(ReceiveBudget.Share buffers) {
            this.buffers = buffers;
        }

        /// Whether there was as much; then it is taken.
        boolean take(Kind kind, int amount) {
            return switch (kind) {
                case SOCKETS -> {
                    boolean yes = allows(limits.sockets(), sockets, mySockets, amount);
                    if (yes) {
                        sockets += amount;
                        mySockets += amount;
                    }
                    yield yes;
                }
                case HANDSHAKES -> {
                    boolean yes = allows(limits.handshakes(), handshakes, myHandshakes, amount);
                    if (yes) {
                        handshakes += amount;
                        myHandshakes += amount;
                    }
                    yield yes;
                }
                case QUERIES -> {
                    boolean yes = allows(limits.queries(), queries, myQueries, amount);
                    if (yes) {
                        queries += amount;
                        myQueries += amount;
                    }
                    yield yes;
                }
                case BUFFERS -> !buffers.isSpent();
            };
        }

        void give(Kind kind, int amount) {
            switch (kind) {
                case SOCKETS -> {
                    sockets -= amount;
                    mySockets -= amount;
                }
                case HANDSHAKES -> {
                    handshakes -= amount;
                    myHandshakes -= amount;
                }
                case QUERIES -> {
                    queries -= amount;
                    myQueries -= amount;
                }
                case BUFFERS -> {}
            }
        }

        ReceiveBudget.Share buffers() {
            return buffers;
        }

        /// The pod leaves; what it still has is given back as it ends.
        void close() {
            shares--;
        }
    }
}
