package io.ztunnel.tls;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;

import java.nio.channels.ClosedChannelException;

/// Waits behind a TLS handler for the end of its handshake, tells it once, and is gone.
///
/// Confined to the channel's loop.
public final class Handshake extends ChannelInboundHandlerAdapter {

    /// How it ended.
    public interface Listener {

        void onSecured(PeerIdentity peer);

        /// @param reason in words for the log, without the layer's name
        void onFailed(String reason);
    }

    private final SslHandler tls;
    private final Listener listener;
    private boolean told;

    private Handshake(SslHandler tls, Listener listener) {
        this.tls = tls;
        this.listener = listener;
    }

    /// Puts the TLS handler and the waiting one at the end of the pipeline. A channel whose
    /// handshake fails is closed.
    public static void on(Channel channel, SslHandler tls, Listener listener) {
        channel.pipeline().addLast(tls, new Handshake(tls, listener));
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent completion) {
            if (completion.isSuccess()) {
                told = true;
                ctx.pipeline().remove(this);
                listener.onSecured(PeerIdentity.of(tls));
            } else {
                fail(ctx, completion.cause());
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        fail(ctx, new ClosedChannelException());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(ctx, cause);
    }

    private void fail(ChannelHandlerContext ctx, Throwable cause) {
        if (!told) {
            told = true;
            String reason = TlsFailure.textOf(cause);
            String layer = "tls handshake error: ";
            listener.onFailed(reason.startsWith(layer) ? reason.substring(layer.length()) : reason);
        }
        ctx.close();
    }
}
