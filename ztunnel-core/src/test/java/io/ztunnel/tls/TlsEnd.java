package io.ztunnel.tls;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// One end of a connection under test: what its handshake came to, and what it read.
final class TlsEnd extends ChannelInboundHandlerAdapter {
    final CompletableFuture<PeerIdentity> handshake = new CompletableFuture<>();
    final CompletableFuture<String> read = new CompletableFuture<>();

    /// The first failure after the handshake: with TLS 1.3 a client learns only then that its
    /// certificate was refused.
    final CompletableFuture<Throwable> later = new CompletableFuture<>();

    private final String greeting;
    private volatile ChannelHandlerContext context;

    TlsEnd(String greeting) {
        this.greeting = greeting;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    Channel channel() {
        return context.channel();
    }

    void close() {
        context.close();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent end) {
            if (end.isSuccess()) {
                handshake.complete(PeerIdentity.of(ctx.pipeline().get(SslHandler.class)));
                ctx.writeAndFlush(Unpooled.copiedBuffer(greeting, StandardCharsets.US_ASCII));
            } else {
                handshake.completeExceptionally(end.cause());
            }
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        read.complete(((ByteBuf) message).toString(StandardCharsets.US_ASCII));
        ReferenceCountUtil.release(message);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        later.complete(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        Throwable closed = new java.nio.channels.ClosedChannelException();
        handshake.completeExceptionally(closed);
        read.completeExceptionally(closed);
        later.complete(closed);
    }

    PeerIdentity proven() throws Exception {
        return handshake.get(20, TimeUnit.SECONDS);
    }

    /// The text of the failed handshake.
    String failure() throws Exception {
        try {
            PeerIdentity peer = handshake.get(20, TimeUnit.SECONDS);
            throw new AssertionError("expected a failure, got " + peer);
        } catch (java.util.concurrent.ExecutionException e) {
            return TlsFailure.textOf(e.getCause());
        }
    }

    String afterwards() throws Exception {
        return String.valueOf(later.get(20, TimeUnit.SECONDS).getMessage());
    }
}
