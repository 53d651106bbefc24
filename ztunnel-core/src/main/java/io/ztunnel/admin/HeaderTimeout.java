package io.ztunnel.admin;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.TimeUnit;

/// Closes a connection whose next request head is not complete in time, idle ones included: a
/// client that sends a byte a minute must not hold a descriptor.
final class HeaderTimeout extends ChannelInboundHandlerAdapter {
    static final long SECONDS = 2;

    private @Nullable ScheduledFuture<?> timer;

    @Override
    public void channelActive(ChannelHandlerContext context) throws Exception {
        start(context);
        super.channelActive(context);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        stop();
        super.channelInactive(context);
    }

    /// The next head is awaited from now on.
    void start(ChannelHandlerContext context) {
        stop();
        timer = context.executor().schedule(() -> context.close(), SECONDS, TimeUnit.SECONDS);
    }

    /// A head is complete; how long the answer takes is our affair.
    void stop() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }
}
