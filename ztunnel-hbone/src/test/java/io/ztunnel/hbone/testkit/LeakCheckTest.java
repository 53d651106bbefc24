package io.ztunnel.hbone.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;

import org.junit.jupiter.api.Test;

class LeakCheckTest {

    @Test
    void aForgottenBufferIsSeenAndAReleasedOneIsNot() {
        LeakCheck.collectAndCount();
        ByteBufAllocator.DEFAULT.buffer(10).release();
        assertThat(LeakCheck.collectAndCount()).isZero();

        forget();

        int seen = 0;
        for (int attempt = 0; attempt < 50 && seen == 0; attempt++) {
            seen = LeakCheck.collectAndCount();
        }
        assertThat(seen).isPositive();
    }

    private static void forget() {
        ByteBufAllocator.DEFAULT.buffer(10).writeByte(1);
    }
}
