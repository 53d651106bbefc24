package io.ztunnel.net;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.Future;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/// One event loop for a test, started at once and ended by closing.
final class Loop implements AutoCloseable {
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());

    Loop() throws Exception {
        call(() -> true);
    }

    EventLoop eventLoop() {
        return group.next();
    }

    /// The answer of `task`, run on the loop.
    <T> T call(Callable<T> task) throws Exception {
        return eventLoop().submit(task).get(10, TimeUnit.SECONDS);
    }

    /// What `task`, run on the loop, promises.
    <T extends Future<?>> T settle(Callable<T> task) throws Exception {
        T future = call(task);
        if (!future.await(15, TimeUnit.SECONDS)) {
            throw new AssertionError("still open after 15 s: " + future);
        }
        return future;
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
