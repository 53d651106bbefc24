package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelFuture;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;

import org.junit.jupiter.api.Test;

import java.io.IOException;

class UnbornChannelTest {
    /// Whoever cleans up after a failure must not fail there.
    @Test
    void canBeClosedLikeAnyOther() {
        EventLoop loop = new DefaultEventLoop();
        try {
            ChannelFuture failed = UnbornChannel.failed(loop, new IOException("no descriptor"));
            assertThat(failed.channel().close().isSuccess()).isTrue();
            assertThat(failed.channel().isOpen()).isFalse();
        } finally {
            loop.shutdownGracefully();
        }
    }
}
