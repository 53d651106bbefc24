package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DatagramPacket;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.dns.DnsRecordEncoder;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.ztunnel.net.Netns;
import io.ztunnel.net.SocketFailure;
import io.ztunnel.net.UdpSocket;
import io.ztunnel.worker.WorkerBudget.Kind;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/// One server being asked: by a datagram, and on a stream where its answer does not fit into one.
/// Confined to the worker's loop.
final class Asking {
    /// What passes every network unbroken (DNS flag day 2020).
    private static final int PAYLOAD = 1232;

    private static final int LARGEST_DATAGRAM = 4096;
    private static final int PREFIX = 2;

    private final Exchange exchange;
    private final Forwarder forwarder;
    private final int server;
    private final int id;
    private final byte[] question;
    private final long start;
    private @Nullable Channel channel;
    private @Nullable Future<?> timeout;
    private @Nullable UpstreamAnswer truncated;
    private boolean over;

    Asking(Exchange exchange, int server) {
        this.exchange = exchange;
        this.forwarder = exchange.forwarder();
        this.server = server;
        this.id = forwarder.newId();
        this.question = exchange.query().canonicalQuestion();
        this.start = System.nanoTime();
    }

    int server() {
        return server;
    }

    void start() {
        open(
                UdpSocket::connect,
                new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel opened) {
                        opened.config()
                                .setRecvByteBufAllocator(
                                        new FixedRecvByteBufAllocator(LARGEST_DATAGRAM));
                        opened.pipeline().addLast(new Reply());
                    }
                },
                false);
    }

    private void askOnStream() {
        open(
                (loop, netns, to, mark, handler) -> forwarder.dialer().connect(to, null, handler),
                new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel opened) {
                        opened.pipeline()
                                .addLast(
                                        new LengthFieldBasedFrameDecoder(
                                                AnswerWriter.STREAM + PREFIX, 0, PREFIX, 0, PREFIX),
                                        new Reply());
                    }
                },
                true);
    }

    private interface Connector {
        ChannelFuture connect(
                EventLoop loop,
                Netns netns,
                InetSocketAddress to,
                int mark,
                ChannelHandler handler);
    }

    private void open(Connector connector, ChannelInitializer<Channel> pipeline, boolean stream) {
        if (!forwarder.admission().take(Kind.SOCKETS, 1)) {
            failed("no socket left for the pod");
            return;
        }
        timeout =
                forwarder
                        .loop()
                        .schedule(
                                this::tooLate,
                                forwarder.settings().timeout().toMillis(),
                                TimeUnit.MILLISECONDS);
        ChannelFuture connecting =
                connector.connect(
                        forwarder.loop(),
                        forwarder.netns(),
                        forwarder.settings().servers().get(server),
                        forwarder.mark(),
                        pipeline);
        Channel opening = connecting.channel();
        channel = opening;
        connecting.addListener(
                connected -> {
                    if (!connected.isSuccess()) {
                        forwarder.admission().give(Kind.SOCKETS, 1);
                        failed(SocketFailure.textOf(connected.cause()));
                        return;
                    }
                    opening.closeFuture().addListener(closed -> left(opening));
                    if (!over) {
                        opening.writeAndFlush(message(opening, stream))
                                .addListener(sent -> refused(opening, sent.cause()));
                    }
                });
    }

    /// The network says at once what silence would say in five seconds.
    private void refused(Channel to, @Nullable Throwable why) {
        if (why != null && channel == to) {
            failed(SocketFailure.textOf(why));
        }
    }

    private void left(Channel closed) {
        forwarder.admission().give(Kind.SOCKETS, 1);
        if (channel == closed) {
            failed("the server has closed");
        }
    }

    /// The client's question with an id of ours. Servers that do not recurse unasked are asked to.
    private ByteBuf message(Channel to, boolean stream) {
        Query query = exchange.query();
        ByteBuf out = to.alloc().buffer(64 + query.questions().length);
        if (stream) {
            out.writeShort(0);
        }
        new Header(
                        id,
                        Header.RECURSION_DESIRED
                                | (query.header().flags() & Header.CHECKING_DISABLED),
                        1,
                        0,
                        0,
                        query.edns() == null ? 0 : 1)
                .write(out);
        out.writeBytes(query.questions());
        if (query.edns() != null) {
            try {
                DnsRecordEncoder.DEFAULT.encodeRecord(
                        AnswerWriter.transport(PAYLOAD, 0, query.edns().dnssecOk()), out);
            } catch (Exception unexpected) {
                out.release();
                throw new IllegalStateException("an OPT record cannot be written", unexpected);
            }
        }
        if (stream) {
            out.setShort(0, out.readableBytes() - PREFIX);
        }
        return out;
    }

    private void take(ByteBuf bytes, boolean stream) {
        UpstreamAnswer answer = UpstreamAnswer.read(ByteBufUtil.getBytes(bytes), id, question);
        if (answer == null) {
            // Somebody else may have sent it, so the server's own answer is still awaited.
            forwarder.bad().count("upstream");
        } else if (answer.isTruncated() && !stream) {
            truncated = answer;
            leaveChannel();
            askOnStream();
        } else {
            close();
            exchange.answered(this, answer, System.nanoTime() - start);
        }
    }

    private void tooLate() {
        if (!over && !partSuffices()) {
            close();
            exchange.timedOut(this);
        }
    }

    private void failed(String why) {
        if (!over && !partSuffices()) {
            close();
            exchange.failed(this, why);
        }
    }

    /// A part of an answer is better than none; the client is told that it is one.
    private boolean partSuffices() {
        UpstreamAnswer part = truncated;
        if (part == null) {
            return false;
        }
        close();
        exchange.answered(this, part, System.nanoTime() - start);
        return true;
    }

    void close() {
        over = true;
        leaveChannel();
    }

    private void leaveChannel() {
        if (timeout != null) {
            timeout.cancel(false);
        }
        Channel left = channel;
        channel = null;
        if (left != null) {
            left.close();
        }
    }

    /// What comes from the server: datagrams, or messages of a stream.
    private final class Reply extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            try {
                if (over || channel != ctx.channel()) {
                    return;
                }
                if (message instanceof DatagramPacket packet) {
                    take(packet.content(), false);
                } else {
                    take((ByteBuf) message, true);
                }
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event == ChannelInputShutdownEvent.INSTANCE && channel == ctx.channel()) {
                failed("the server has closed");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (channel == ctx.channel()) {
                failed(SocketFailure.textOf(cause));
            }
        }
    }
}
