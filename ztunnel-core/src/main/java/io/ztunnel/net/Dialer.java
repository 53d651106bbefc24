package io.ztunnel.net;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPromise;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollSocketChannelConfig;
import io.netty.util.NetUtil;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.function.Consumer;

/// Connects to others from inside a namespace (docs/spec/inpod-and-deployment.md 2.5).
///
/// Belongs to one event loop, which owns the channels as well: every method runs on it.
public final class Dialer {
    /// For the whole of connecting, docs/spec/dataplane.md 9.4.
    public static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(Dialer.class);

    private final EventLoop loop;
    private final Netns netns;
    private final SocketSettings settings;
    private final boolean sourceOrNothing;
    private final Consumer<SourceTrouble> troubles;

    /// Whether an answer to somebody else's address has ever found its way to us in this namespace.
    private boolean sourceCameBack;

    private boolean complained;

    /// What may happen to a connection that shall appear as somebody else's.
    public enum SourceTrouble {
        /// The kernel does not let us have the address.
        REFUSED,
        /// Nobody answered within [#CONNECT_LIMIT].
        UNANSWERED
    }

    public Dialer(EventLoop loop, Netns netns, SocketSettings settings) {
        this(loop, netns, settings, false, trouble -> {});
    }

    /// @param sourceOrNothing whether a connection that cannot have the source it should have
    ///     fails, because another one would mislead the application and its network policies
    /// @param troubles told of each, on the loop
    public Dialer(
            EventLoop loop,
            Netns netns,
            SocketSettings settings,
            boolean sourceOrNothing,
            Consumer<SourceTrouble> troubles) {
        this.troubles = troubles;
        this.loop = loop;
        this.netns = netns;
        this.settings = settings;
        this.sourceOrNothing = sourceOrNothing;
    }

    /// Connects without delay, with half closure allowed, marked and probed as the settings say.
    ///
    /// @param spoofedSource address to appear as, or null for the pod's own. Never used towards
    ///     itself. Where the kernel refuses, a line is logged and the pod's own address is used,
    ///     unless the source is a must.
    /// @param handler in the pipeline before anything happens; may turn auto-read off
    /// @return the channel once connected; fails with what the kernel said, or after
    ///     [#CONNECT_LIMIT] with [io.netty.channel.ConnectTimeoutException], the channel being
    ///     closed
    public ChannelFuture connect(
            InetSocketAddress to, @Nullable InetAddress spoofedSource, ChannelHandler handler) {
        assert loop.inEventLoop();
        EpollSocketChannel channel;
        try {
            channel = SocketBirth.stream(netns, to.getAddress());
        } catch (RuntimeException noSocket) {
            return UnbornChannel.failed(loop, noSocket);
        }
        try {
            configure(channel.config());
        } catch (RuntimeException refused) {
            channel.unsafe().closeForcibly();
            return UnbornChannel.failed(loop, refused);
        }
        channel.pipeline().addLast(handler);
        ChannelPromise connected = new DefaultChannelPromise(channel, loop);
        connected.addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
        // A connection from an address to itself would be the kernel talking to itself.
        InetAddress source = to.getAddress().equals(spoofedSource) ? null : spoofedSource;
        loop.register(channel)
                .addListener(
                        registered -> {
                            if (!registered.isSuccess()) {
                                channel.unsafe().closeForcibly();
                                connected.setFailure(registered.cause());
                            } else if (source != null) {
                                bindThenConnect(channel, source, to, connected);
                            } else {
                                channel.connect(to, connected);
                            }
                        });
        return connected;
    }

    private void configure(EpollSocketChannelConfig config) {
        SocketOptions.mark(config, settings.mark());
        SocketOptions.keepAlive(config, settings);
        config.setTcpNoDelay(true);
        config.setAllowHalfClosure(true);
        config.setConnectTimeoutMillis((int) CONNECT_LIMIT.toMillis());
    }

    private void bindThenConnect(
            EpollSocketChannel channel,
            InetAddress source,
            InetSocketAddress to,
            ChannelPromise connected) {
        try {
            // Linux takes the IPv4 options on IPv6 sockets too, with the same effect.
            channel.config().setOption(SocketOptions.TRANSPARENT, 1);
            channel.config().setOption(SocketOptions.FREE_BIND, 1);
            // The port is chosen when the destination is known: 28000 connections from one client
            // would use up its ports otherwise.
            channel.config().setOption(SocketOptions.BIND_ADDRESS_NO_PORT, 1);
        } catch (RuntimeException refused) {
            withoutSource(channel, source, to, refused, connected);
            return;
        }
        channel.bind(new InetSocketAddress(source, 0))
                .addListener(
                        bound -> {
                            if (bound.isSuccess()) {
                                connected.addListener(
                                        end -> heardOfSource(source, to, end.cause()));
                                channel.connect(to, connected);
                            } else {
                                withoutSource(channel, source, to, bound.cause(), connected);
                            }
                        });
    }

    /// The application answers to the client's address, and the pod's rules bring that back to us.
    /// Where they do not, every such connection times out and looks like a silent application.
    private void heardOfSource(
            InetAddress source, InetSocketAddress to, @Nullable Throwable failure) {
        if (failure instanceof ConnectTimeoutException) {
            troubles.accept(SourceTrouble.UNANSWERED);
            if (!sourceCameBack && !complained) {
                complained = true;
                LOG.warn(
                        "no answer from {} to source {}, nor to any other that was kept in {}:"
                                + " either it is silent, or the rule that routes mark 0x111 to"
                                + " table 100 is missing there or overruled",
                        NetUtil.toSocketAddressString(to),
                        NetUtil.toAddressString(source),
                        netns);
            }
        } else {
            // A refusal is an answer, too; other failures come before the first packet.
            sourceCameBack |= failure == null || failure instanceof ConnectException;
        }
    }

    private void withoutSource(
            EpollSocketChannel channel,
            InetAddress source,
            InetSocketAddress to,
            Throwable refused,
            ChannelPromise connected) {
        troubles.accept(SourceTrouble.REFUSED);
        if (sourceOrNothing) {
            connected.setFailure(refused);
        } else {
            warn(source, to, refused);
            channel.connect(to, connected);
        }
    }

    private static void warn(InetAddress source, InetSocketAddress to, Throwable refused) {
        LOG.warn(
                "cannot keep source {} towards {}, using the pod's own: {}",
                NetUtil.toAddressString(source),
                NetUtil.toSocketAddressString(to),
                refused.getMessage());
    }
}
