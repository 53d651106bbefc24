package io.ztunnel.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollSocketChannel;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;

/// Hands accepted sockets to the loop of their listener.
///
/// When accepting fails, as it does when the process is out of descriptors, it pauses instead of
/// spinning: the kernel keeps the connections in its queue meanwhile. One line per episode.
final class Acceptor extends ChannelInboundHandlerAdapter {
    static final long PAUSE_MILLIS = 100;

    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

    private final ChannelHandler childInit;
    private long failures;

    Acceptor(ChannelHandler childInit) {
        this.childInit = childInit;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (failures > 0) {
            LOG.info("accepting again on {} after {} failures", name(context), failures);
            failures = 0;
        }
        EpollSocketChannel child = (EpollSocketChannel) message;
        child.config().setAllowHalfClosure(true);
        child.pipeline().addLast(childInit);
        context.channel()
                .eventLoop()
                .register(child)
                .addListener(
                        registered -> {
                            if (!registered.isSuccess()) {
                                child.unsafe().closeForcibly();
                            }
                        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (failures++ == 0) {
            LOG.warn("cannot accept on {}, will keep trying: {}", name(context), cause.toString());
        }
        Channel listener = context.channel();
        listener.config().setAutoRead(false);
        listener.eventLoop()
                .schedule(
                        () -> listener.config().setAutoRead(true),
                        PAUSE_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    private static Object name(ChannelHandlerContext context) {
        return context.channel().localAddress();
    }
}
