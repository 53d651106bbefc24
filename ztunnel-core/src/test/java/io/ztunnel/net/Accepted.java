package io.ztunnel.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Collects accepted channels and answers every byte with itself.
@Sharable
final class Accepted extends ChannelInboundHandlerAdapter {
    private final BlockingQueue<Channel> channels = new LinkedBlockingQueue<>();

    @Override
    public void channelActive(ChannelHandlerContext context) {
        channels.add(context.channel());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        context.writeAndFlush(((ByteBuf) message));
    }

    Channel next() throws InterruptedException {
        Channel channel = channels.poll(10, TimeUnit.SECONDS);
        if (channel == null) {
            throw new AssertionError("nothing was accepted within 10 s");
        }
        return channel;
    }

    int count() {
        return channels.size();
    }

    boolean isEmpty() {
        return channels.isEmpty();
    }
}
