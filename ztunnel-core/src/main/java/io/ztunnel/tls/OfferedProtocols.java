package io.ztunnel.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SslClientHelloHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.Future;

import java.nio.charset.StandardCharsets;

/// Reads a client's first message before the TLS handler does, and turns away who offers protocols
/// without `h2` among them: alert `no_application_protocol` (RFC 7301 section 3.2), which the
/// library cannot be made to send (docs/spec/identity-and-tls.md 10.1). Who offers nothing passes.
///
/// Gone with the first message. What does not parse is left to the library to judge.
final class OfferedProtocols extends SslClientHelloHandler<Boolean> {
    /// More than any client of the mesh sends, hybrid key shares included.
    private static final int LONGEST_HELLO = 16 * 1024;

    private static final int ALPN = 16;
    private static final byte[] H2 = "h2".getBytes(StandardCharsets.US_ASCII);

    /// A fatal alert in a record of its own; nothing is encrypted yet.
    private static final byte[] NO_APPLICATION_PROTOCOL = {21, 3, 3, 0, 2, 2, 120};

    OfferedProtocols() {
        super(LONGEST_HELLO);
    }

    @Override
    protected Future<Boolean> lookup(ChannelHandlerContext ctx, ByteBuf clientHello) {
        return ctx.executor()
                .newSucceededFuture(clientHello == null || mayPass(clientHello.duplicate()));
    }

    @Override
    protected void onLookupComplete(ChannelHandlerContext ctx, Future<Boolean> passes) {
        if (!passes.isSuccess() || passes.getNow()) {
            ctx.pipeline().remove(this);
            return;
        }
        ctx.fireUserEventTriggered(
                new SslHandshakeCompletionEvent(
                        new TlsFailure(
                                "tls handshake error: peer does not speak h2 (ALPN)", null)));
        ctx.writeAndFlush(ctx.alloc().buffer(7).writeBytes(NO_APPLICATION_PROTOCOL))
                .addListener(ChannelFutureListener.CLOSE);
    }

    /// @param hello from its version on (RFC 8446 section 4.1.2)
    static boolean mayPass(ByteBuf hello) {
        try {
            hello.skipBytes(2 + 32);
            hello.skipBytes(hello.readUnsignedByte());
            hello.skipBytes(hello.readUnsignedShort());
            hello.skipBytes(hello.readUnsignedByte());
            if (hello.readableBytes() < 2) {
                return true;
            }
            ByteBuf extensions = hello.readSlice(hello.readUnsignedShort());
            while (extensions.readableBytes() >= 4) {
                int type = extensions.readUnsignedShort();
                ByteBuf body = extensions.readSlice(extensions.readUnsignedShort());
                if (type == ALPN) {
                    return names(body);
                }
            }
            return true;
        } catch (IndexOutOfBoundsException malformed) {
            return true;
        }
    }

    private static boolean names(ByteBuf alpn) {
        ByteBuf list = alpn.readSlice(alpn.readUnsignedShort());
        while (list.isReadable()) {
            ByteBuf name = list.readSlice(list.readUnsignedByte());
            if (name.readableBytes() == H2.length
                    && name.getByte(name.readerIndex()) == H2[0]
                    && name.getByte(name.readerIndex() + 1) == H2[1]) {
                return true;
            }
        }
        return false;
    }
}
