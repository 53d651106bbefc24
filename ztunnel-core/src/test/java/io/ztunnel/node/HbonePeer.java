package io.ztunnel.node;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.hbone.ConnectHandler;
import io.ztunnel.hbone.IncomingConnect;
import io.ztunnel.hbone.ReceiveBudget;
import io.ztunnel.hbone.TunnelServer;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.hbone.TunnelStream;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.Listener;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.relay.ByteMeter;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.LegGone;
import io.ztunnel.relay.LegListener;
import io.ztunnel.relay.Relay;
import io.ztunnel.relay.StreamLeg;
import io.ztunnel.relay.TcpLeg;
import io.ztunnel.testkit.Pod;
import io.ztunnel.tls.Handshake;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.tls.TlsSettings;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// A peer of the mesh that is no ztunnel: takes tunnels on port 15008 of its pod, as a waypoint or
/// a gateway would, says `waypoint\n` first and then gives back what it gets, or passes all on.
public final class HbonePeer implements AutoCloseable {
    /// Nine bytes ahead of the echo.
    public static final String FIRST = "waypoint\n";

    private final MultiThreadIoEventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = loops.next();
    private final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    private final Pod pod;
    private final HeldCertificate certificate;
    private final @Nullable InetSocketAddress next;
    private final List<String> authorities = new CopyOnWriteArrayList<>();
    private final @Nullable String baggage;

    private HbonePeer(
            Pod pod, IssuingCa root, @Nullable InetSocketAddress next, @Nullable String baggage) {
        this.pod = pod;
        this.next = next;
        this.baggage = baggage;
        SpiffeId self = new SpiffeId("cluster.local", "default", pod.name());
        certificate = new HeldCertificate(self, root.issue(self.toString()), 1);
        InetSocketAddress everywhere = new InetSocketAddress(InetAddress.ofLiteral("::"), 15008);
        Listener.bind(
                        loop,
                        pod.namespace().netns(),
                        everywhere,
                        new ListenerSettings(
                                ListenerSettings.PortSharing.ALONE,
                                ListenerSettings.Transparent.OFF,
                                ListenerSettings.DEFAULT_BACKLOG,
                                false,
                                SocketSettings.DEFAULTS),
                        new Arriving())
                .syncUninterruptibly();
    }

    /// @param baggage what it says of itself, or null
    public static HbonePeer echo(Pod pod, IssuingCa root, @Nullable String baggage) {
        return new HbonePeer(pod, root, null, baggage);
    }

    /// @param to where the bytes of every stream go
    public static HbonePeer forwarding(Pod pod, IssuingCa root, InetSocketAddress to) {
        return new HbonePeer(pod, root, to, null);
    }

    /// What has been asked for so far.
    public List<String> authorities() {
        return authorities;
    }

    private void onConnect(IncomingConnect connect) {
        authorities.add(String.valueOf(connect.authority()));
        if (next == null) {
            TunnelStream stream = connect.accept(baggage);
            Leg leg = new StreamLeg(stream);
            leg.write(Unpooled.copiedBuffer(FIRST, US_ASCII));
            leg.flush();
            leg.attach(new Echo(leg));
        } else {
            forward(connect, next);
        }
    }

    private void forward(IncomingConnect connect, InetSocketAddress to) {
        ChannelFuture connecting =
                new Dialer(loop, pod.namespace().netns(), SocketSettings.DEFAULTS)
                        .connect(
                                to,
                                null,
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.config().setAutoRead(false);
                                    }
                                });
        connecting.addListener(
                connected -> {
                    if (connected.isSuccess()) {
                        Relay.start(
                                new StreamLeg(connect.accept(baggage)),
                                TcpLeg.on(connecting.channel(), ReceiveBudget.unlimited()),
                                new Uncounted(),
                                end -> {});
                    } else {
                        connect.refuse(503);
                    }
                });
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 5, java.util.concurrent.TimeUnit.SECONDS).syncUninterruptibly();
        contexts.close();
    }

    @Sharable
    private final class Arriving extends ChannelInboundHandlerAdapter {
        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            context.channel().config().setAutoRead(false);
        }

        @Override
        public void channelActive(ChannelHandlerContext context) throws Exception {
            Channel channel = context.channel();
            Handshake.on(
                    channel,
                    contexts.server(certificate, channel.alloc()),
                    new Handshake.Listener() {
                        @Override
                        public void onSecured(PeerIdentity peer) {
                            TunnelServer.install(
                                    channel, TunnelSettings.defaults(), new Requests());
                        }

                        @Override
                        public void onFailed(String reason) {
                            channel.close();
                        }
                    });
            channel.config().setAutoRead(true);
        }
    }

    private final class Requests implements ConnectHandler {
        @Override
        public void onConnect(IncomingConnect connect) {
            HbonePeer.this.onConnect(connect);
        }

        @Override
        public void onTunnelClosed(@Nullable Throwable cause) {}
    }

    private record Echo(Leg leg) implements LegListener {
        @Override
        public void onData(io.netty.buffer.ByteBuf data) {
            leg.write(data);
        }

        @Override
        public void onBurstEnd() {
            leg.flush();
        }

        @Override
        public void onEnd() {
            leg.finish();
        }

        @Override
        public void onWritable() {}

        @Override
        public void onGone(LegGone how) {}
    }

    private static final class Uncounted implements ByteMeter {
        @Override
        public void clientToServer(long bytes) {}

        @Override
        public void serverToClient(long bytes) {}
    }
}
