package io.ztunnel.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator.ExtendedHandle;

import org.junit.jupiter.api.Test;

class ReceiveSizesTest {
    private final ExtendedHandle sizes = (ExtendedHandle) new ReceiveSizes().newHandle();

    @Test
    void everyBufferLeavesRoomForAFrameHeader() {
        ByteBuf buffer = sizes.allocate(UnpooledByteBufAllocator.DEFAULT);

        assertThat(buffer.readerIndex()).isEqualTo(9);
        assertThat(buffer.writableBytes()).isEqualTo(2048 - 9);
        buffer.release();
    }

    @Test
    void fullReadsGrowTheBufferAtOnce() {
        read(sizes.guess());
        assertThat(sizes.guess()).isEqualTo(16384 - 9);
        read(sizes.guess());
        assertThat(sizes.guess()).isEqualTo(65536 - 9);
        read(sizes.guess());
        assertThat(sizes.guess()).isEqualTo(65536 - 9);
    }

    @Test
    void oneSmallReadIsTheTailOfABurstAndTwoAreTheEndOfIt() {
        read(sizes.guess());
        read(100);
        assertThat(sizes.guess()).isEqualTo(16384 - 9);
        read(100);
        assertThat(sizes.guess()).isEqualTo(2048 - 9);
    }

    @Test
    void readingGoesOnWhileBuffersComeBackFullButNotForEver() {
        sizes.reset(null);
        int rounds = 0;
        do {
            read(sizes.guess());
            rounds++;
        } while (sizes.continueReading());

        assertThat(rounds).isBetween(4, 8);
    }

    @Test
    void aShortReadEndsTheTurn() {
        sizes.reset(null);
        sizes.attemptedBytesRead(sizes.guess());
        sizes.lastBytesRead(10);

        assertThat(sizes.continueReading()).isFalse();
    }

    private void read(int bytes) {
        sizes.attemptedBytesRead(sizes.guess());
        sizes.lastBytesRead(bytes);
    }
}
