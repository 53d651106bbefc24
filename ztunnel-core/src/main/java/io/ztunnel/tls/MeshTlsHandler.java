package io.ztunnel.tls;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SslHandler;

import javax.net.ssl.SSLEngine;

/// The library's handler, with what this connection expects of its peer and what it found.
final class MeshTlsHandler extends SslHandler {
    private final SSLEngine engine;
    private final PeerCheck check;
    private final PeerTrust trust;
    private final boolean server;

    MeshTlsHandler(
            SSLEngine engine,
            PeerCheck check,
            PeerTrust trust,
            TlsSettings settings,
            boolean server) {
        super(engine);
        this.engine = engine;
        this.check = check;
        this.trust = trust;
        this.server = server;
        setHandshakeTimeoutMillis(settings.handshakeDeadline().toMillis());
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) throws Exception {
        // First, since adding the handler of a client already starts the handshake.
        ctx.pipeline().addAfter(ctx.name(), null, new HandshakeGate(this));
        if (server) {
            ctx.pipeline().addBefore(ctx.name(), null, new OfferedProtocols());
        }
        handshakeFuture().addListener(done -> trust.forget(engine));
        super.handlerAdded(ctx);
    }

    @Override
    public void handlerRemoved0(ChannelHandlerContext ctx) throws Exception {
        trust.forget(engine);
        super.handlerRemoved0(ctx);
    }

    PeerCheck check() {
        return check;
    }
}
