package io.ztunnel.net;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollDatagramChannelConfig;
import io.ztunnel.net.ListenerSettings.PortSharing;

import java.net.InetSocketAddress;

/// UDP inside a namespace: ports for the DNS listener, and sockets that ask one server
/// (docs/spec/inpod-and-deployment.md 2.2 to 2.4 and 2.8).
public final class UdpSocket {
    private UdpSocket() {}

    /// Opens the port; any platform thread.
    ///
    /// @param mark packet mark, 0 for none
    /// @param sharing who else may bind the port
    /// @param handler receives `DatagramPacket`s on the loop
    /// @return fails with a [java.net.BindException] that names the address
    public static ChannelFuture bind(
            EventLoop loop,
            Netns netns,
            InetSocketAddress address,
            int mark,
            PortSharing sharing,
            ChannelHandler handler) {
        EpollDatagramChannel channel;
        try {
            channel = SocketBirth.datagram(netns, address.getAddress());
        } catch (RuntimeException noSocket) {
            return UnbornChannel.failed(loop, Listener.refusal(address, noSocket));
        }
        try {
            configure(channel.config(), mark, sharing);
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
                                                    admitOthers(channel, sharing);
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

    /// Makes a socket that takes datagrams of one server only, from a port that the kernel draws;
    /// on the loop.
    ///
    /// @param handler receives `DatagramPacket`s on the loop, and what the network says of the
    ///     server as an exception
    /// @return fails with what the kernel said
    public static ChannelFuture connect(
            EventLoop loop, Netns netns, InetSocketAddress to, int mark, ChannelHandler handler) {
        EpollDatagramChannel channel;
        try {
            channel = SocketBirth.datagram(netns, to.getAddress());
        } catch (RuntimeException noSocket) {
            return UnbornChannel.failed(loop, noSocket);
        }
        try {
            SocketOptions.mark(channel.config(), mark);
        } catch (RuntimeException refused) {
            channel.unsafe().closeForcibly();
            return UnbornChannel.failed(loop, refused);
        }
        channel.pipeline().addLast(handler);
        ChannelPromise connected = new DefaultChannelPromise(channel, loop);
        connected.addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
        loop.register(channel)
                .addListener(
                        registered -> {
                            if (registered.isSuccess()) {
                                channel.connect(to, connected);
                            } else {
                                channel.unsafe().closeForcibly();
                                connected.setFailure(registered.cause());
                            }
                        });
        return connected;
    }

    private static void configure(
            EpollDatagramChannelConfig config, int mark, PortSharing sharing) {
        SocketOptions.mark(config, mark);
        config.setReusePort(sharing == PortSharing.SHARED || sharing == PortSharing.JOINING);
    }

    /// The founder bound alone, so nobody else is there; our other workers may come now.
    private static void admitOthers(EpollDatagramChannel channel, PortSharing sharing) {
        if (sharing == PortSharing.FOUNDER) {
            channel.config().setReusePort(true);
        }
    }
}
