package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;

/// Takes questions from one stream, one after the other. A client that neither asks nor takes its
/// answer for [#LIMIT_SECONDS] is shown out. Confined to the worker's loop.
final class TcpQuestions extends ChannelInboundHandlerAdapter {
    static final int LIMIT_SECONDS = 5;

    private final DnsListener listener;
    private final Deque<ByteBuf> waiting = new ArrayDeque<>();
    private @Nullable Future<?> limit;
    private boolean busy;
    private boolean looping;
    private boolean inputEnded;
    private boolean over;

    TcpQuestions(DnsListener listener) {
        this.listener = listener;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        awaitClient(ctx);
    }

    /// It asks, or takes its answer, in time.
    private void awaitClient(ChannelHandlerContext ctx) {
        stopWaiting();
        limit = ctx.executor().schedule(() -> end(ctx), LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private void stopWaiting() {
        if (limit != null) {
            limit.cancel(false);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (over) {
            ((ByteBuf) message).release();
            return;
        }
        waiting.add((ByteBuf) message);
        proceed(ctx);
    }

    private void proceed(ChannelHandlerContext ctx) {
        if (looping) {
            return;
        }
        looping = true;
        while (!busy && !over && !waiting.isEmpty()) {
            busy = true;
            stopWaiting();
            ByteBuf question = waiting.remove();
            try {
                take(ctx, question);
            } finally {
                question.release();
            }
        }
        looping = false;
        if (!over) {
            // Whoever asks faster than he is answered waits in the kernel.
            ctx.channel().config().setAutoRead(!busy);
        }
    }

    private void take(ChannelHandlerContext ctx, ByteBuf question) {
        switch (QueryReader.read(question)) {
            case QueryReader.Read.Unanswerable(String reason) -> {
                listener.bad().count(reason);
                end(ctx);
            }
            case QueryReader.Read.Malformed(Header header) -> {
                listener.bad().count("malformed");
                reply(ctx, listener.answering().malformed(header));
            }
            case QueryReader.Read.Understood(Query query) ->
                    listener.answering()
                            .answer(query, Answering.Transport.TCP, answer -> reply(ctx, answer));
        }
    }

    private void reply(ChannelHandlerContext ctx, ByteBuf answer) {
        if (over) {
            answer.release();
            return;
        }
        awaitClient(ctx);
        ctx.write(ctx.alloc().buffer(2).writeShort(answer.readableBytes()), ctx.voidPromise());
        ctx.writeAndFlush(answer).addListener(written -> replied(ctx, written.isSuccess()));
    }

    private void replied(ChannelHandlerContext ctx, boolean success) {
        busy = false;
        if (!success || ((inputEnded || listener.isDraining()) && waiting.isEmpty())) {
            end(ctx);
        } else {
            proceed(ctx);
        }
    }

    private void end(ChannelHandlerContext ctx) {
        over = true;
        stopWaiting();
        waiting.forEach(ByteBuf::release);
        waiting.clear();
        ctx.close();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            inputEnded = true;
            if (!busy && waiting.isEmpty()) {
                end(ctx);
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        end(ctx);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof TooLongFrameException) {
            listener.bad().count("long");
        }
        end(ctx);
    }
}
