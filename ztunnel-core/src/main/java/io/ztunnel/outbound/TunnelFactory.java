package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Promise;
import io.ztunnel.hbone.TunnelOpener;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.identity.Priority;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.SocketFailure;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.tls.Handshake;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.Standing;
import io.ztunnel.tls.TlsContexts;

import java.util.function.Consumer;

import javax.net.ssl.SSLException;

/// Brings a tunnel's channel to the point where HTTP/2 can begin: certificate, TCP, TLS.
///
/// Fails with a [DialFailure] in the words of the access log. Confined to the worker's loop.
final class TunnelFactory implements TunnelOpener<TunnelKey> {
    private final EventLoop loop;
    private final Dialer dialer;
    private final CertificateSource certificates;
    private final TlsContexts tls;
    private final Consumer<PeerIdentity> whenSecured;

    TunnelFactory(
            EventLoop loop,
            Dialer dialer,
            CertificateSource certificates,
            TlsContexts tls,
            Consumer<PeerIdentity> whenSecured) {
        this.loop = loop;
        this.dialer = dialer;
        this.certificates = certificates;
        this.tls = tls;
        this.whenSecured = whenSecured;
    }

    @Override
    public void open(TunnelKey key, Promise<Channel> secured) {
        certificates.request(
                key.source(),
                Priority.REALTIME,
                loop,
                new CertificateSource.Receiver() {
                    @Override
                    public void onCertificate(HeldCertificate certificate) {
                        connect(key, certificate, secured);
                    }

                    @Override
                    public void onFailure(String text) {
                        secured.tryFailure(
                                new DialFailure(
                                        ResponseFlag.IDENTITY_ERROR,
                                        "identity error: " + text,
                                        DialFailure.Fault.OURS));
                    }
                });
    }

    private void connect(TunnelKey key, HeldCertificate certificate, Promise<Channel> secured) {
        ChannelFuture connecting = dialer.connect(key.hop(), null, new Unread());
        Channel channel = connecting.channel();
        ReceiveSizes.of(channel);
        // A tunnel has no halves: its end is the end of all its streams.
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false);
        connecting.addListener(
                connected -> {
                    if (connected.isSuccess()) {
                        secure(channel, key, certificate, secured);
                    } else {
                        secured.tryFailure(connectFailure(connected.cause(), key));
                    }
                });
    }

    private void secure(
            Channel channel, TunnelKey key, HeldCertificate certificate, Promise<Channel> secured) {
        SslHandler handler;
        try {
            handler = tls.client(certificate, key.expected(), channel.alloc());
        } catch (SSLException unusable) {
            channel.close();
            secured.tryFailure(
                    new DialFailure(
                            ResponseFlag.TLS_FAILURE,
                            "tls error: " + unusable.getMessage(),
                            DialFailure.Fault.OURS));
            return;
        }
        Handshake.on(
                channel,
                handler,
                new Handshake.Listener() {
                    @Override
                    public void onSecured(PeerIdentity peer) {
                        whenSecured.accept(peer);
                        // Lists that came into force while the handshake was under way.
                        if (tls.standing(channel, certificates) instanceof Standing.Ended ended) {
                            secured.tryFailure(
                                    new DialFailure(
                                            ResponseFlag.CERT_REVOKED,
                                            String.valueOf(ended.cause().getMessage()),
                                            DialFailure.Fault.HOP));
                            channel.close();
                            return;
                        }
                        if (!secured.trySuccess(channel)) {
                            channel.close();
                        }
                    }

                    @Override
                    public void onFailed(String reason) {
                        secured.tryFailure(
                                new DialFailure(
                                        ResponseFlag.CONNECT,
                                        "io error: " + reason,
                                        DialFailure.Fault.HOP));
                    }
                });
        channel.config().setAutoRead(true);
    }

    private static DialFailure connectFailure(Throwable cause, TunnelKey key) {
        if (cause instanceof ConnectTimeoutException) {
            return new DialFailure(
                    ResponseFlag.NETWORK_POLICY,
                    "connection timed out, maybe a NetworkPolicy is blocking HBONE port "
                            + key.hop().getPort()
                            + ": deadline has elapsed",
                    DialFailure.Fault.HOP);
        }
        return new DialFailure(
                ResponseFlag.CONNECT,
                "io error: " + SocketFailure.textOf(cause),
                DialFailure.Fault.HOP);
    }

    /// Keeps the socket unread until the TLS handler is there to read it.
    private static final class Unread extends ChannelInboundHandlerAdapter {
        @Override
        public void handlerAdded(ChannelHandlerContext ctx) {
            ctx.channel().config().setAutoRead(false);
        }
    }
}
