package io.ztunnel.net;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollDatagramChannel;

import java.net.InetSocketAddress;

/// Opens a UDP port inside a namespace: for the DNS listener, and with port 0 for its forwarder
/// (docs/spec/inpod-and-deployment.md 2.2 to 2.4).
public final class UdpSocket {
    private UdpSocket() {}

    /// Opens the port; any platform thread.
    ///
    /// @param mark packet mark, 0 for none
    /// @param shared whether others of the same user may bind the port too (`SO_REUSEPORT`)
    /// @param handler receives `DatagramPacket`s on the loop
    /// @return fails with a [java.net.BindException] that names the address
    public static ChannelFuture bind(
            EventLoop loop,
            Netns netns,
            InetSocketAddress address,
            int mark,
            boolean shared,
            ChannelHandler handler) {
        EpollDatagramChannel channel;
        try {
            channel = SocketBirth.datagram(netns, address.getAddress());
        } catch (RuntimeException noSocket) {
            return UnbornChannel.failed(loop, Listener.refusal(address, noSocket));
        }
        try {
            SocketOptions.mark(channel.config(), mark);
            channel.config().setReusePort(shared);
        } catch (RuntimeException refused) {
            channel.unsafe().closeForcibly();
            return UnbornChannel.failed(loop, Listener.refusal(address, refused));
        }
        channel.pipeline().addLast(handler);
        ChannelPromise opened = new DefaultChannelPromise(channel, loop);
        opened.addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
        loop.register(channel)
                .addListener(
                        registered -> {
                            if (!registered.isSuccess()) {
                                opened.setFailure(registered.cause());
                                return;
                            }
                            channel.bind(address)
                                    .addListener(
                                            bound -> {
                                                if (bound.isSuccess()) {
                                                    opened.setSuccess();
                                                } else {
                                                    opened.setFailure(
                                                            Listener.refusal(
                                                                    address, bound.cause()));
                                                }
                                            });
                        });
        return opened;
    }
}
