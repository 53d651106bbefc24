package io.ztunnel.tls;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;

/// Sits behind the TLS handler until the handshake is over and lets its end through: as a failure
/// in words, also when the peer has not agreed on `h2`. Then it is gone.
final class HandshakeGate extends ChannelInboundHandlerAdapter {
    private final MeshTlsHandler tls;
    private final boolean requireAlpn;

    HandshakeGate(MeshTlsHandler tls, boolean requireAlpn) {
        this.tls = tls;
        this.requireAlpn = requireAlpn;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (!(event instanceof SslHandshakeCompletionEvent end)) {
            ctx.fireUserEventTriggered(event);
            return;
        }
        if (!end.isSuccess()) {
            ctx.fireUserEventTriggered(
                    new SslHandshakeCompletionEvent(TlsFailure.of(tls.check(), end.cause())));
        } else if (requireAlpn && !"h2".equals(tls.applicationProtocol())) {
            // The library cannot send no_application_protocol: the close is the answer (10.1).
            ctx.fireUserEventTriggered(
                    new SslHandshakeCompletionEvent(
                            new TlsFailure("peer does not speak h2 (ALPN)", null)));
            ctx.close();
        } else {
            ctx.fireUserEventTriggered(end);
        }
        if (!ctx.isRemoved()) {
            ctx.pipeline().remove(this);
        }
    }
}
