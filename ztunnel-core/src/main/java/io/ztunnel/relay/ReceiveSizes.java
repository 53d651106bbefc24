package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

import org.jspecify.annotations.Nullable;

/// How large the next read of a socket is.
///
/// Starts small, so that request and response traffic stays in the cache, and grows with the first
/// full read, because a full buffer means that more is waiting. Every buffer keeps room in front
/// for the nine bytes of a frame header (RFC 9113 4.1), so that a DATA frame is built where the
/// bytes lie. One turn of the loop reads a bounded amount from one socket: its neighbours wait for
/// nobody. It stops at once when whoever got the last read wants no more for now.
///
/// Stateless; the handles belong to their channel's loop.
public final class ReceiveSizes implements RecvByteBufAllocator {
    /// Room for the header of a frame.
    public static final int HEADROOM = 9;

    /// With the header each of these fills whole TLS records of 16 KiB, the first one apart.
    private static final int[] STEPS = {2048 - HEADROOM, 16384 - HEADROOM, 65536 - HEADROOM};

    private static final int BYTES_PER_TURN = 256 * 1024;

    private static final ReceiveSizes INSTANCE = new ReceiveSizes();

    ReceiveSizes() {}

    /// Makes a channel read this way from now on.
    @SuppressWarnings(
            "deprecation") // only for whoever wants the default sizes there is another way
    public static void of(Channel channel) {
        channel.config().setOption(ChannelOption.RCVBUF_ALLOCATOR, INSTANCE);
    }

    @Override
    @SuppressWarnings("deprecation") // the interface asks for its own deprecated type
    public Handle newHandle() {
        return new Sizes();
    }

    private static final class Sizes implements ExtendedHandle {
        private byte step;
        private boolean small;
        private int attempted;
        private int last;
        private int total;
        private @Nullable ChannelConfig config;

        @Override
        public ByteBuf allocate(ByteBufAllocator allocator) {
            int capacity = HEADROOM + STEPS[step];
            ByteBuf buffer = allocator.directBuffer(capacity, capacity);
            return buffer.setIndex(HEADROOM, HEADROOM);
        }

        @Override
        public int guess() {
            return STEPS[step];
        }

        @Override
        public void reset(ChannelConfig of) {
            config = of;
            total = 0;
            last = 0;
        }

        @Override
        public void incMessagesRead(int count) {
            // Bytes are counted, not reads.
        }

        @Override
        public void lastBytesRead(int bytes) {
            last = bytes;
            if (bytes <= 0) {
                return;
            }
            total += bytes;
            if (bytes >= STEPS[step]) {
                small = false;
                if (step < STEPS.length - 1) {
                    step++;
                }
            } else if (step > 0 && bytes <= STEPS[step - 1] / 2) {
                // Twice in a row, so that the tail of one burst does not forget the burst.
                if (small) {
                    step--;
                }
                small = !small;
            } else {
                small = false;
            }
        }

        @Override
        public int lastBytesRead() {
            return last;
        }

        @Override
        public void attemptedBytesRead(int bytes) {
            attempted = bytes;
        }

        @Override
        public int attemptedBytesRead() {
            return attempted;
        }

        @Override
        public boolean continueReading() {
            return last > 0 && last == attempted && total < BYTES_PER_TURN && isWanted();
        }

        private boolean isWanted() {
            return config == null || config.isAutoRead();
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
            return continueReading();
        }

        @Override
        public void readComplete() {
            // Sizes follow single reads.
        }
    }
}
