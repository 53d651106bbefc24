package io.ztunnel.pod;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

import java.util.function.Consumer;

/// Hands each accepted socket on, once, with reading switched off.
@Sharable
final class Arrivals extends ChannelInboundHandlerAdapter {
    private final Consumer<Channel> next;

    Arrivals(Consumer<Channel> next) {
        this.next = next;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(false);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        Channel channel = ctx.channel();
        ctx.pipeline().remove(this);
        next.accept(channel);
    }
}
