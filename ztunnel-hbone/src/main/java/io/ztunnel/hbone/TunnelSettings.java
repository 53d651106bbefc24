package io.ztunnel.hbone;

import java.time.Duration;

/// Sizes, limits and deadlines of tunnels (`docs/spec/dataplane.md` 5 and 6). Bytes where not
/// said.
///
/// @param streamWindow receive window of a stream, 65535 to 2^31-1 (`HTTP2_STREAM_WINDOW_SIZE`)
/// @param connectionWindow receive window of a tunnel, 65535 to 2^31-1; several times the
///     stream's, so that one unread stream cannot starve its siblings
///     (`HTTP2_CONNECTION_WINDOW_SIZE`)
/// @param receiveBudget unread bytes of all streams of a tunnel up to which its window is given
///     back on arrival; beyond, only as they are read
/// @param maxFrameSize largest frame we accept, 16384 to 2^24-1 (`HTTP2_FRAME_SIZE`)
/// @param serverHeaderList largest header list a server accepts
/// @param clientHeaderList largest header list a client accepts
/// @param maxConcurrentStreams streams a server accepts at once on one tunnel
/// @param streamsPerTunnel streams a pool puts on one tunnel (`POOL_MAX_STREAMS_PER_CONNECTION`)
/// @param streamQueue bytes one stream queues before it says it is not writable
/// @param quantum bytes a stream may send before a sibling's turn, at least 1
/// @param lowWaterMark bytes in the channel below which sending resumes
/// @param highWaterMark bytes in the channel above which streams keep their data
/// @param unusedRelease how long a pooled tunnel without streams is kept
///     (`POOL_UNUSED_RELEASE_TIMEOUT`)
/// @param pingInterval silence after which a PING goes out; a tunnel that is not read sends one
///     twice as often
/// @param pingTimeout silence after a PING that means the peer is gone
/// @param trust silence up to which a new stream relies on a tunnel without asking; beyond, a PING
///     goes out beside its CONNECT
/// @param doubtTimeout silence after a PING beyond which nothing new relies on the tunnel: openings
///     that wait for their answer fail and may be tried elsewhere, standing streams go on until
///     `pingTimeout`
/// @param answerTimeout longest wait for the answer to a CONNECT
/// @param prefaceTimeout longest wait for the peer's first SETTINGS
/// @param closeTimeout longest wait for the last bytes to leave before the channel is closed
/// @param resetBurst streams a peer may open and reset before our answer, at once; 50 per second
///     after that
/// @param controlBurst frames without purpose (PING, SETTINGS, empty DATA, …) at once; 200 per
///     second after that
public record TunnelSettings(
        int streamWindow,
        int connectionWindow,
        int receiveBudget,
        int maxFrameSize,
        int serverHeaderList,
        int clientHeaderList,
        int maxConcurrentStreams,
        int streamsPerTunnel,
        int streamQueue,
        int quantum,
        int lowWaterMark,
        int highWaterMark,
        Duration unusedRelease,
        Duration pingInterval,
        Duration pingTimeout,
        Duration trust,
        Duration doubtTimeout,
        Duration answerTimeout,
        Duration prefaceTimeout,
        Duration closeTimeout,
        int resetBurst,
        int controlBurst) {

    private static final int MIB = 1024 * 1024;

    /// @throws IllegalArgumentException naming the setting out of range
    public TunnelSettings {
        within("streamWindow", streamWindow, 65_535, Integer.MAX_VALUE);
        within("connectionWindow", connectionWindow, 65_535, Integer.MAX_VALUE);
        within("receiveBudget", receiveBudget, 0, Integer.MAX_VALUE);
        within("maxFrameSize", maxFrameSize, 16_384, (1 << 24) - 1);
        within("serverHeaderList", serverHeaderList, 1, 16 * MIB);
        within("clientHeaderList", clientHeaderList, 1, 16 * MIB);
        within("maxConcurrentStreams", maxConcurrentStreams, 1, Integer.MAX_VALUE);
        within("streamsPerTunnel", streamsPerTunnel, 1, Integer.MAX_VALUE);
        within("streamQueue", streamQueue, 1, Integer.MAX_VALUE);
        within("quantum", quantum, 1, Integer.MAX_VALUE);
        within("highWaterMark", highWaterMark, 1, Integer.MAX_VALUE);
        within("lowWaterMark", lowWaterMark, 0, highWaterMark);
        within("resetBurst", resetBurst, 1, Integer.MAX_VALUE);
        within("controlBurst", controlBurst, 1, Integer.MAX_VALUE);
    }

    /// What the specification says, and our bounds where it says nothing.
    public static TunnelSettings defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    private static void within(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    name + " must be " + least + " to " + most + ", not " + value);
        }
    }

    /// Starts from the defaults.
    public static final class Builder {
        private int streamWindow = 4 * MIB;
        private int connectionWindow = 16 * MIB;
        private int receiveBudget = 16 * MIB;
        private int maxFrameSize = MIB;
        private int serverHeaderList = 65_536;
        private int clientHeaderList = 16_384;
        private int maxConcurrentStreams = 200;
        private int streamsPerTunnel = 100;
        private int streamQueue = 64 * 1024;
        private int quantum = 16 * 1024;
        private int lowWaterMark = 64 * 1024;
        private int highWaterMark = 128 * 1024;
        private Duration unusedRelease = Duration.ofMinutes(5);
        private Duration pingInterval = Duration.ofSeconds(10);
        private Duration pingTimeout = Duration.ofSeconds(20);
        private Duration trust = Duration.ofSeconds(1);
        private Duration doubtTimeout = Duration.ofSeconds(2);
        private Duration answerTimeout = Duration.ofSeconds(20);
        private Duration prefaceTimeout = Duration.ofSeconds(10);
        private Duration closeTimeout = Duration.ofSeconds(3);
        private int resetBurst = 400;
        private int controlBurst = 1000;

        private Builder() {}

        public Builder streamWindow(int bytes) {
            streamWindow = bytes;
            return this;
        }

        public Builder connectionWindow(int bytes) {
            connectionWindow = bytes;
            return this;
        }

        public Builder receiveBudget(int bytes) {
            receiveBudget = bytes;
            return this;
        }

        public Builder maxFrameSize(int bytes) {
            maxFrameSize = bytes;
            return this;
        }

        public Builder serverHeaderList(int bytes) {
            serverHeaderList = bytes;
            return this;
        }

        public Builder clientHeaderList(int bytes) {
            clientHeaderList = bytes;
            return this;
        }

        public Builder maxConcurrentStreams(int streams) {
            maxConcurrentStreams = streams;
            return this;
        }

        public Builder streamsPerTunnel(int streams) {
            streamsPerTunnel = streams;
            return this;
        }

        public Builder streamQueue(int bytes) {
            streamQueue = bytes;
            return this;
        }

        public Builder quantum(int bytes) {
            quantum = bytes;
            return this;
        }

        public Builder waterMarks(int low, int high) {
            lowWaterMark = low;
            highWaterMark = high;
            return this;
        }

        public Builder unusedRelease(Duration time) {
            unusedRelease = time;
            return this;
        }

        public Builder ping(Duration interval, Duration timeout) {
            pingInterval = interval;
            pingTimeout = timeout;
            return this;
        }

        public Builder doubt(Duration trusted, Duration timeout) {
            trust = trusted;
            doubtTimeout = timeout;
            return this;
        }

        public Builder answerTimeout(Duration time) {
            answerTimeout = time;
            return this;
        }

        public Builder prefaceTimeout(Duration time) {
            prefaceTimeout = time;
            return this;
        }

        public Builder closeTimeout(Duration time) {
            closeTimeout = time;
            return this;
        }

        public Builder resetBurst(int streams) {
            resetBurst = streams;
            return this;
        }

        public Builder controlBurst(int frames) {
            controlBurst = frames;
            return this;
        }

        /// @throws IllegalArgumentException naming the setting out of range
        public TunnelSettings build() {
            return new TunnelSettings(
                    streamWindow,
                    connectionWindow,
                    receiveBudget,
                    maxFrameSize,
                    serverHeaderList,
                    clientHeaderList,
                    maxConcurrentStreams,
                    streamsPerTunnel,
                    streamQueue,
                    quantum,
                    lowWaterMark,
                    highWaterMark,
                    unusedRelease,
                    pingInterval,
                    pingTimeout,
                    trust,
                    doubtTimeout,
                    answerTimeout,
                    prefaceTimeout,
                    closeTimeout,
                    resetBurst,
                    controlBurst);
        }
    }
}
