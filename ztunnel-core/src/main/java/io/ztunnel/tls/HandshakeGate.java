package io.ztunnel.tls;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;

/// Sits behind the TLS handler until the handshake is over and lets its end through, a failure in
/// words. Then it is gone.
final class HandshakeGate extends ChannelInboundHandlerAdapter {
    private final MeshTlsHandler tls;

    HandshakeGate(MeshTlsHandler tls) {
        this.tls = tls;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (!(event instanceof SslHandshakeCompletionEvent end)) {
            ctx.fireUserEventTriggered(event);
            return;
        }
        ctx.fireUserEventTriggered(
                end.isSuccess()
                        ? end
                        : new SslHandshakeCompletionEvent(TlsFailure.of(tls.check(), end.cause())));
        if (!ctx.isRemoved()) {
            ctx.pipeline().remove(this);
        }
    }
}
