package io.ztunnel.admin;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;
import io.netty.util.NetUtil;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.channels.spi.SelectorProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// One HTTP/1.1 port in the clear (docs/spec/config-observability-dns.md 2.1): headers of at most 8
/// KiB that have to be complete after two seconds, keep-alive, TCP_NODELAY, half-closed clients
/// served.
///
/// Closing it closes the listeners at once; requests that are under way are finished.
final class HttpPort implements AutoCloseable {
    private static final int MAX_HEADER_BYTES = 8 << 10;
    private static final int MAX_CHUNK_BYTES = 8 << 10;

    private final List<Channel> listeners = new ArrayList<>();

    private HttpPort() {}

    /// Listens on every address, or on none of them.
    ///
    /// @param loop the one thread requests are answered on
    /// @param answers called on that thread; what it throws becomes a 500 with the message
    /// @throws IOException naming the address that cannot be bound
    static HttpPort open(
            EventLoopGroup loop,
            List<InetSocketAddress> addresses,
            Function<Request, Answer> answers)
            throws IOException {
        HttpPort port = new HttpPort();
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(loop)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                        .childHandler(
                                new ChannelInitializer<SocketChannel>() {
                                    @Override
                                    protected void initChannel(SocketChannel client) {
                                        client.pipeline()
                                                .addLast(new HeaderTimeout())
                                                .addLast(
                                                        new HttpServerCodec(
                                                                MAX_HEADER_BYTES,
                                                                MAX_HEADER_BYTES,
                                                                MAX_CHUNK_BYTES))
                                                .addLast(new HttpServerKeepAliveHandler())
                                                .addLast(new RequestHandler(answers));
                                    }
                                });
        for (InetSocketAddress address : addresses) {
            // The family of the socket is that of the address: an IPv4 wildcard must not take IPv6.
            SocketProtocolFamily family =
                    address.getAddress() instanceof Inet4Address
                            ? SocketProtocolFamily.INET
                            : SocketProtocolFamily.INET6;
            ChannelFuture bound =
                    bootstrap
                            .clone()
                            .channelFactory(
                                    () ->
                                            new NioServerSocketChannel(
                                                    SelectorProvider.provider(), family))
                            .bind(address)
                            .awaitUninterruptibly();
            if (!bound.isSuccess()) {
                port.close();
                throw new IOException(
                        "failed to bind to address "
                                + NetUtil.toSocketAddressString(address)
                                + ": "
                                + bound.cause().getMessage(),
                        bound.cause());
            }
            port.listeners.add(bound.channel());
        }
        return port;
    }

    /// The port really bound, which matters where port 0 was asked for.
    int port() {
        return ((InetSocketAddress) listeners.getFirst().localAddress()).getPort();
    }

    @Override
    public void close() {
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
    }
}
