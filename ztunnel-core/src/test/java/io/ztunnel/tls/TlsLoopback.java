package io.ztunnel.tls;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Real sockets on loopback with TLS handlers of the test's choice.
final class TlsLoopback implements AutoCloseable {
    /// Makes the TLS handler of one connection.
    interface Handlers {
        ChannelHandler make(Channel channel) throws Exception;
    }

    private final EventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
    private final BlockingQueue<TlsEnd> accepted = new LinkedBlockingQueue<>();
    private int port;

    /// Starts to accept; returns the port.
    int serve(Handlers handlers) {
        Channel server =
                new ServerBootstrap()
                        .group(loops)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) throws Exception {
                                        TlsEnd end = new TlsEnd("from server");
                                        channel.pipeline().addLast(handlers.make(channel), end);
                                        accepted.add(end);
                                    }
                                })
                        .bind(new InetSocketAddress("127.0.0.1", 0))
                        .syncUninterruptibly()
                        .channel();
        port = ((InetSocketAddress) server.localAddress()).getPort();
        return port;
    }

    TlsEnd connect(Handlers handlers) {
        return connect(port, handlers);
    }

    TlsEnd connect(int toPort, Handlers handlers) {
        TlsEnd end = new TlsEnd("from client");
        new Bootstrap()
                .group(loops)
                .channel(NioSocketChannel.class)
                .handler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) throws Exception {
                                channel.pipeline().addLast(handlers.make(channel), end);
                            }
                        })
                .connect(new InetSocketAddress("127.0.0.1", toPort))
                .syncUninterruptibly();
        return end;
    }

    /// The next connection that was accepted.
    TlsEnd accepted() throws InterruptedException {
        TlsEnd end = accepted.poll(20, TimeUnit.SECONDS);
        if (end == null) {
            throw new AssertionError("no connection arrived");
        }
        return end;
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
