package io.ztunnel.socks;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.Future;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// One client on its way from the greeting to a known destination; then the handler leaves the
/// pipeline, and what the client has said already goes on to whoever comes next there.
///
/// Whoever does not come to the point within [#LIMIT_SECONDS] is shown out. Confined to the
/// worker's loop.
final class SocksConversation extends ByteToMessageDecoder {
    static final int LIMIT_SECONDS = 10;

    private static final byte[] NO_AUTHENTICATION = {5, 0};

    private final SocksListener listener;
    private final SocksReader reader = new SocksReader();
    private Stage stage = Stage.READING;
    private boolean inputEnded;
    private @Nullable Future<?> limit;

    private enum Stage {
        READING,
        RESOLVING,
        OVER
    }

    SocksConversation(SocksListener listener) {
        this.listener = listener;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        limit =
                ctx.channel()
                        .eventLoop()
                        .schedule(() -> tooSlow(ctx), LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        if (stage != Stage.READING || !ctx.channel().isActive()) {
            return;
        }
        switch (reader.next(in)) {
            case null -> {}
            case SocksReader.Step.Greeted _ ->
                    ctx.writeAndFlush(Unpooled.wrappedBuffer(NO_AUTHENTICATION), ctx.voidPromise());
            case SocksReader.Step.AskedAddress(InetSocketAddress target) -> handOver(ctx, target);
            case SocksReader.Step.AskedName(String host, int port) -> resolve(ctx, host, port);
            case SocksReader.Step.Refused(String why) -> refuse(ctx, SocksReply.NOT_SUPPORTED, why);
        }
    }

    /// Nothing is understood any more once the client is gone.
    @Override
    protected void decodeLast(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {}

    private void resolve(ChannelHandlerContext ctx, String host, int port) {
        SocksNames names = listener.names();
        if (names == null) {
            refuse(ctx, SocksReply.NOT_SUPPORTED, "host names need the DNS proxy, which is off");
            return;
        }
        stage = Stage.RESOLVING;
        ctx.channel().config().setAutoRead(false);
        InetSocketAddress client = (InetSocketAddress) ctx.channel().remoteAddress();
        boolean v6 = client.getAddress() instanceof Inet6Address;
        listener.slice()
                .local()
                .whenKnown(
                        local -> {
                            if (local == null) {
                                refuse(
                                        ctx,
                                        SocksReply.GENERAL_FAILURE,
                                        listener.slice().local().unknownText());
                            } else {
                                resolve(ctx, names, host, port, v6, local);
                            }
                        });
    }

    private void resolve(
            ChannelHandlerContext ctx,
            SocksNames names,
            String host,
            int port,
            boolean v6,
            Workload local) {
        names.find(
                host,
                v6,
                local,
                (@Nullable IpAddress found) -> {
                    if (found == null) {
                        refuse(ctx, SocksReply.HOST_UNREACHABLE, "no address for " + host);
                    } else {
                        handOver(ctx, new InetSocketAddress(found.toInetAddress(), port));
                    }
                });
    }

    private void handOver(ChannelHandlerContext ctx, InetSocketAddress target) {
        if (stage == Stage.OVER || !ctx.channel().isActive()) {
            return;
        }
        leaveStage();
        ctx.channel().config().setAutoRead(false);
        ctx.writeAndFlush(Unpooled.wrappedBuffer(SocksReply.SUCCEEDED.bytes()), ctx.voidPromise());
        if (!ctx.channel().isActive()) {
            return; // The answer found nobody.
        }
        listener.connect(ctx.channel(), target);
        // Passes on what is left in the buffer, to the handler that has just been added.
        ctx.pipeline().remove(this);
        if (inputEnded) {
            ctx.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        }
    }

    private void refuse(ChannelHandlerContext ctx, SocksReply reply, String why) {
        if (stage == Stage.OVER) {
            return;
        }
        leaveStage();
        ctx.channel().config().setAutoRead(false);
        listener.refused(ctx.channel(), why);
        ctx.writeAndFlush(Unpooled.wrappedBuffer(reply.bytes()))
                .addListener(ChannelFutureListener.CLOSE);
    }

    private void tooSlow(ChannelHandlerContext ctx) {
        refuse(
                ctx,
                stage == Stage.RESOLVING ? SocksReply.HOST_UNREACHABLE : SocksReply.GENERAL_FAILURE,
                "no destination within " + LIMIT_SECONDS + " s");
    }

    private void leaveStage() {
        stage = Stage.OVER;
        if (limit != null) {
            limit.cancel(false);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        // Not to the decoder above us: it would drop what is left.
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            inputEnded = true;
            if (stage == Stage.READING) {
                refuse(ctx, SocksReply.GENERAL_FAILURE, "ended before its request");
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        leaveStage();
        super.channelInactive(ctx);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        leaveStage();
        ctx.close();
    }
}
