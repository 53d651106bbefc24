package io.ztunnel.e2e;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.hbone.ConnectHandler;
import io.ztunnel.hbone.IncomingConnect;
import io.ztunnel.hbone.StreamChannel;
import io.ztunnel.hbone.StreamFailure;
import io.ztunnel.hbone.StreamReceiver;
import io.ztunnel.hbone.TunnelServer;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.hbone.TunnelStream;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.net.Listener;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.net.SteadyEpoll;
import io.ztunnel.testkit.Pod;
import io.ztunnel.tls.Handshake;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.tls.TlsSettings;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.SSLException;

/// A waypoint, or a gateway with a workload behind it: accepts every CONNECT, says `waypoint` and
/// echoes; a gateway finds another tunnel in each stream and does the same in there.
final class HboneServer implements AutoCloseable {
    private static final String GREETING = "waypoint\n";

    private final MultiThreadIoEventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, SteadyEpoll.newFactory());
    private final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    private final IssuingCa root;
    private final List<String> authorities = new CopyOnWriteArrayList<>();
    private final SpiffeId outer;
    private final SpiffeId inner;

    /// @param outer who it is towards whoever connects
    /// @param inner who is inside the streams; null for a waypoint, which has nobody in there
    HboneServer(Pod pod, IssuingCa root, SpiffeId outer, SpiffeId inner) {
        this.root = root;
        this.outer = outer;
        this.inner = inner;
        EventLoop loop = loops.next();
        Listener.bind(
                        loop,
                        pod.namespace().netns(),
                        new InetSocketAddress(InetAddress.ofLiteral("::"), 15008),
                        new ListenerSettings(
                                ListenerSettings.PortSharing.ALONE,
                                ListenerSettings.Transparent.OFF,
                                ListenerSettings.DEFAULT_BACKLOG,
                                false,
                                SocketSettings.DEFAULTS),
                        new Accepted())
                .syncUninterruptibly();
    }

    /// What was asked for, the outer requests of a gateway included.
    List<String> authorities() {
        return authorities;
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        contexts.close();
    }

    @Sharable
    private final class Accepted extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.pipeline().remove(this);
            secure(context.channel(), outer, inner == null ? new Echo() : new Gateway());
        }
    }

    private void secure(Channel channel, SpiffeId who, ConnectHandler handler) {
        try {
            HeldCertificate certificate = new HeldCertificate(who, root.issue(who.toString()), 1);
            Handshake.on(
                    channel,
                    contexts.server(certificate, channel.alloc()),
                    new Handshake.Listener() {
                        @Override
                        public void onSecured(PeerIdentity peer) {
                            TunnelServer.install(channel, TunnelSettings.defaults(), handler);
                        }

                        @Override
                        public void onFailed(String reason) {
                            authorities.add("handshake failed: " + reason);
                        }
                    });
        } catch (SSLException unusable) {
            throw new AssertionError(unusable);
        }
    }

    private final class Gateway implements ConnectHandler {
        @Override
        public void onConnect(IncomingConnect connect) {
            authorities.add("outer " + connect.authority());
            secure(StreamChannel.open(connect.accept(null)), inner, new Echo());
        }

        @Override
        public void onTunnelClosed(Throwable cause) {}
    }

    private final class Echo implements ConnectHandler {
        @Override
        public void onConnect(IncomingConnect connect) {
            authorities.add(String.valueOf(connect.authority()));
            TunnelStream stream =
                    connect.accept(
                            "k8s.cluster.name=Kubernetes,k8s.namespace.name=default,"
                                    + "k8s.pod.name=echo,service.name=echo");
            stream.receiver(new Echoing(stream));
            stream.write(Unpooled.copiedBuffer(GREETING, StandardCharsets.US_ASCII));
            stream.flush();
        }

        @Override
        public void onTunnelClosed(Throwable cause) {}
    }

    private record Echoing(TunnelStream stream) implements StreamReceiver {
        @Override
        public void onData(ByteBuf data) {
            int size = data.readableBytes();
            stream.write(data);
            stream.consumed(size);
        }

        @Override
        public void onReadComplete() {
            stream.flush();
        }

        @Override
        public void onEnd() {
            stream.finish();
        }

        @Override
        public void onReset(StreamFailure failure) {}

        @Override
        public void onWritable() {}
    }
}
