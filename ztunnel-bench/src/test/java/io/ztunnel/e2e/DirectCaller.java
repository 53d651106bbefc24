package io.ztunnel.e2e;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.hbone.ClientTunnel;
import io.ztunnel.hbone.ConnectRequest;
import io.ztunnel.hbone.OpenFailure;
import io.ztunnel.hbone.OpenListener;
import io.ztunnel.hbone.TunnelClient;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.hbone.TunnelStream;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.testkit.Namespace;
import io.ztunnel.tls.Handshake;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.tls.TlsSettings;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// Speaks HBONE by hand to one pod, from a namespace that nothing is captured in.
final class DirectCaller implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 60;

    private final MultiThreadIoEventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    private final EventLoop loop = loops.next();
    private final ClientTunnel tunnel;

    /// Connects and shakes hands.
    ///
    /// @param self who the certificate says the caller is
    /// @param expected who the pod has to be
    DirectCaller(
            Namespace from,
            InetAddress pod,
            SpiffeId self,
            IssuedCertificate certificate,
            SpiffeId expected)
            throws Exception {
        HeldCertificate held = new HeldCertificate(self, certificate, 1);
        CompletableFuture<ClientTunnel> ready = new CompletableFuture<>();
        loop.execute(
                () -> {
                    Dialer dialer = new Dialer(loop, from.netns(), SocketSettings.DEFAULTS);
                    ChannelFuture connecting =
                            dialer.connect(
                                    new InetSocketAddress(pod, 15008), null, new NotYetRead());
                    connecting.addListener(
                            connected -> {
                                if (connected.isSuccess()) {
                                    secure(connecting.channel(), held, expected, ready);
                                } else {
                                    ready.completeExceptionally(connected.cause());
                                }
                            });
                });
        tunnel = ready.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    private void secure(
            Channel channel,
            HeldCertificate held,
            SpiffeId expected,
            CompletableFuture<ClientTunnel> ready) {
        try {
            Handshake.on(
                    channel,
                    contexts.client(held, List.of(expected), channel.alloc()),
                    new Handshake.Listener() {
                        @Override
                        public void onSecured(PeerIdentity peer) {
                            ready.complete(
                                    TunnelClient.install(channel, TunnelSettings.defaults()));
                        }

                        @Override
                        public void onFailed(String reason) {
                            ready.completeExceptionally(new AssertionError(reason));
                        }
                    });
            channel.config().setAutoRead(true);
        } catch (javax.net.ssl.SSLException unusable) {
            ready.completeExceptionally(unusable);
        }
    }

    /// Sends a CONNECT; the status in the words of the access log, such as `http status: 200 OK`.
    String connect(String authority) throws Exception {
        CompletableFuture<String> answer = new CompletableFuture<>();
        loop.execute(
                () ->
                        tunnel.open(
                                ConnectRequest.to(authority),
                                new OpenListener() {
                                    @Override
                                    public void onOpen(TunnelStream stream) {
                                        stream.reset(8); // CANCEL
                                        answer.complete("http status: 200 OK");
                                    }

                                    @Override
                                    public void onFailure(OpenFailure failure) {
                                        answer.complete(failure.text());
                                    }
                                }));
        return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        loop.execute(tunnel::shutdown);
        loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        contexts.close();
    }

    /// Holds the first bytes back until somebody can read them.
    private static final class NotYetRead extends ChannelInboundHandlerAdapter {
        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            context.channel().config().setAutoRead(false);
        }
    }
}
