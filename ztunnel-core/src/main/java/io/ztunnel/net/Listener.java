package io.ztunnel.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannelConfig;
import io.netty.util.NetUtil;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.net.linux.Errno;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.function.BiFunction;

/// Listens on a TCP port inside a namespace (docs/spec/inpod-and-deployment.md 2.4 and 2.5).
///
/// One event loop owns the listener and everything it accepts. Several workers share a port by each
/// binding it with `SO_REUSEPORT`, see [PortSharing].
public final class Listener {
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

    private Listener() {}

    /// Opens the port and starts accepting.
    ///
    /// The wildcard `::` takes IPv4 as well, whatever the pod's `bindv6only` says, and becomes
    /// `0.0.0.0` where there is no IPv6. Accepted channels have no delay, allow half closure, and
    /// inherit mark, transparency and keep-alive from the listener, which saves their system calls.
    ///
    /// Any platform thread.
    ///
    /// @param address port 0 takes a free one
    /// @param childInit added to every accepted channel, hence sharable; may turn auto-read off
    /// @return the listening channel; fails with a [RefusedPort] that names the address
    public static ChannelFuture bind(
            EventLoop loop,
            Netns netns,
            InetSocketAddress address,
            ListenerSettings settings,
            ChannelHandler childInit) {
        return bind(loop, netns, address, settings, childInit, SocketBirth::server);
    }

    /// Whether sockets accepted by this listener, or this accepted socket, may use addresses that
    /// are not of this machine. Spoofing is on iff this is true.
    public static boolean isTransparent(Channel channel) {
        Integer set = channel.config().getOption(SocketOptions.TRANSPARENT);
        return set != null && set != 0;
    }

    static ChannelFuture bind(
            EventLoop loop,
            Netns netns,
            InetSocketAddress address,
            ListenerSettings settings,
            ChannelHandler childInit,
            BiFunction<Netns, InetAddress, EpollServerSocketChannel> birth) {
        InetSocketAddress bound = address;
        EpollServerSocketChannel channel;
        try {
            try {
                channel = birth.apply(netns, address.getAddress());
            } catch (RuntimeException noSocket) {
                if (!isWildcardWithoutIpv6(address, noSocket)) {
                    throw noSocket;
                }
                bound = new InetSocketAddress(anyIpv4(), address.getPort());
                channel = birth.apply(netns, bound.getAddress());
            }
        } catch (RuntimeException noSocket) {
            return UnbornChannel.failed(loop, refusal(address, noSocket));
        }
        try {
            configure(channel.config(), settings);
        } catch (RuntimeException refused) {
            channel.unsafe().closeForcibly();
            return UnbornChannel.failed(loop, refusal(bound, refused));
        }
        channel.pipeline().addLast(new Acceptor(childInit));
        return open(loop, channel, bound, settings.sharing());
    }

    private static void configure(
            EpollServerSocketChannelConfig config, ListenerSettings settings) {
        SocketOptions.mark(config, settings.sockets().mark());
        config.setBacklog(settings.backlog());
        boolean shared =
                settings.sharing() == PortSharing.SHARED
                        || settings.sharing() == PortSharing.JOINING;
        config.setReuseAddress(settings.sharing() != PortSharing.SHARED);
        if (shared) {
            try {
                config.setReusePort(true);
            } catch (ChannelException refused) {
                LOG.warn("cannot share the port: {}", refused.getMessage());
            }
        }
        if (settings.keepAliveOnAccepted()) {
            SocketOptions.keepAlive(config, settings.sockets());
        }
        if (settings.transparent() != Transparent.OFF) {
            try {
                config.setOption(SocketOptions.TRANSPARENT, 1);
            } catch (ChannelException refused) {
                if (settings.transparent() == Transparent.REQUIRED) {
                    throw refused;
                }
            }
        }
    }

    private static ChannelFuture open(
            EventLoop loop,
            EpollServerSocketChannel channel,
            InetSocketAddress address,
            PortSharing sharing) {
        ChannelPromise opened = new DefaultChannelPromise(channel, loop);
        loop.register(channel)
                .addListener(
                        registered -> {
                            if (registered.isSuccess()) {
                                channel.bind(address)
                                        .addListener(
                                                bind ->
                                                        conclude(
                                                                opened,
                                                                address,
                                                                sharing,
                                                                bind.cause()));
                            } else {
                                conclude(opened, address, sharing, registered.cause());
                            }
                        });
        return opened;
    }

    private static void conclude(
            ChannelPromise opened,
            InetSocketAddress address,
            PortSharing sharing,
            @Nullable Throwable failure) {
        if (failure != null) {
            opened.channel().unsafe().closeForcibly();
            opened.setFailure(refusal(address, failure));
            return;
        }
        if (sharing == PortSharing.FOUNDER) {
            // Bound alone, so nobody else is there. The kernel looks at the flag again when the
            // next one binds, and lets it in from now on.
            opened.channel().config().setOption(SocketOptions.REUSE_PORT, 1);
        }
        if (sharing == PortSharing.SHARED) {
            Migration.request(opened.channel());
        }
        opened.setSuccess();
    }

    private static boolean isWildcardWithoutIpv6(InetSocketAddress address, Throwable failure) {
        return SocketBirth.isV6(address.getAddress())
                && address.getAddress().isAnyLocalAddress()
                && SocketOptions.errnoOf(failure) == Errno.EAFNOSUPPORT;
    }

    static RefusedPort refusal(InetSocketAddress address, Throwable cause) {
        int errno = SocketOptions.errnoOf(cause);
        return new RefusedPort(
                address,
                "failed to bind to address "
                        + NetUtil.toSocketAddressString(address)
                        + ": "
                        + (errno == 0 ? cause.getMessage() : Errno.describe(errno)),
                cause);
    }

    private static InetAddress anyIpv4() {
        try {
            return InetAddress.getByAddress(new byte[4]);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("four bytes are always legal", impossible);
        }
    }
}
