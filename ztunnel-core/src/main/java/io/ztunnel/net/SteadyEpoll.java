package io.ztunnel.net;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;

/// Netty's epoll, with sockets that never fall out of it.
///
/// A socket whose peer has ended its side while nobody reads is interested in nothing for a moment.
/// Netty 4.2.18 then removes it from epoll, and its next wish, to read or to write, fails with
/// ENOENT and closes the connection: whoever sent a request and ended its side at once got no
/// answer. Here such a socket stays registered, edge-triggered and without wishes, which costs
/// nothing.
///
/// Any thread makes the factory; a handler belongs to its loop.
public final class SteadyEpoll implements IoHandler {
    private final IoHandler epoll;

    private SteadyEpoll(IoHandler epoll) {
        this.epoll = epoll;
    }

    public static IoHandlerFactory newFactory() {
        IoHandlerFactory plain = EpollIoHandler.newFactory();
        return executor -> new SteadyEpoll(plain.newHandler(executor));
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        return new Steady(epoll.register(handle));
    }

    @Override
    public void initialize() {
        epoll.initialize();
    }

    @Override
    public int run(IoHandlerContext context) {
        return epoll.run(context);
    }

    @Override
    public void prepareToDestroy() {
        epoll.prepareToDestroy();
    }

    @Override
    public void destroy() {
        epoll.destroy();
    }

    @Override
    public void wakeup() {
        epoll.wakeup();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> type) {
        return epoll.isCompatible(type);
    }

    private record Steady(IoRegistration registration) implements IoRegistration {
        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's own signature
        public <T> T attachment() {
            return registration.attachment();
        }

        @Override
        public long submit(IoOps wishes) {
            return registration.submit(
                    EpollIoOps.NONE.equals(wishes) ? EpollIoOps.EPOLLET : wishes);
        }

        @Override
        public boolean isValid() {
            return registration.isValid();
        }

        @Override
        public boolean cancel() {
            return registration.cancel();
        }
    }
}
