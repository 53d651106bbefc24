package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.HeaderBlocks;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/// A tunnel that is not read, as a peer at the other end of a socket sees it: between them stand
/// the buffers of two kernels, full of data.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class PauseSocketTest {
    private static final int KIB = 1024;
    private static final int BUDGET = 1024 * KIB;

    /// The budget, what glances may add, and what the last of them brought.
    private static final long GLANCED = BUDGET + BUDGET / 8 + 64L * KIB;

    private static final TunnelSettings SETTINGS =
            TunnelSettings.builder()
                    .ping(Duration.ofSeconds(1), Duration.ofSeconds(30))
                    .doubt(Duration.ofSeconds(1), Duration.ofMillis(100))
                    .build();

    private final MultiThreadIoEventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final ReceiveBudget budget = new ReceiveBudget(BUDGET);
    private final CompletableFuture<TunnelStream> accepted = new CompletableFuture<>();
    private final HeaderBlocks headers = new HeaderBlocks(1 << 20);
    private final FrameLog log = new FrameLog(false);
    private Channel listener;
    private Socket socket;

    @BeforeEach
    void connect() throws IOException {
        listener =
                new ServerBootstrap()
                        .group(loops)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        serve(channel);
                                    }
                                })
                        .bind(InetAddress.getLoopbackAddress(), 0)
                        .syncUninterruptibly()
                        .channel();
        InetSocketAddress address = (InetSocketAddress) listener.localAddress();
        socket = new Socket(address.getAddress(), address.getPort());
        socket.setSoTimeout(20_000);
    }

    @AfterEach
    void close() throws Exception {
        socket.close();
        listener.close().sync();
        loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        headers.close();
        log.close();
        assertThat(budget.held()).isZero();
    }

    private void serve(Channel channel) {
        TunnelServer.install(
                channel,
                SETTINGS,
                budget.newShare(),
                new ConnectHandler() {
                    @Override
                    public void onConnect(IncomingConnect request) {
                        accepted.complete(request.accept(null));
                    }

                    @Override
                    public void onTunnelClosed(Throwable cause) {
                        // The stream is told.
                    }
                });
    }

    @Test
    void aPeersPingBehindItsDataIsAnsweredAndMemoryStaysBounded() throws Exception {
        Channel tunnel = begin();
        send(out -> data(out, 33));
        awaitAutoRead(tunnel, false);
        // Nobody reads these, and a PING comes behind them.
        send(out -> data(out, 3));
        send(out -> FrameWriter.ping(out, false, 7));
        assertThat(until(frame -> frame.equals("PING ACK"))).contains("PING");
        assertThat(held(tunnel)).isBetween((long) BUDGET, GLANCED);
        assertThat(tunnel.config().isAutoRead()).isFalse();
        consume(tunnel);
    }

    private long held(Channel tunnel) throws Exception {
        return tunnel.eventLoop().submit(budget::held).get();
    }

    private Recorder consume(Channel tunnel) throws Exception {
        TunnelStream stream = accepted.join();
        return tunnel.eventLoop().submit(() -> Recorder.on(stream)).get();
    }

    @Test
    void whereNothingMoreFitsThePeerStillHearsThatWeAreThere() throws Exception {
        Channel tunnel = begin();
        send(out -> data(out, 100));
        awaitAutoRead(tunnel, false);
        // The read that spent the budget may have brought more than fits.
        long atFirst = held(tunnel);
        for (int i = 0; i < 5; i++) {
            until(frame -> frame.equals("PING"));
        }
        assertThat(held(tunnel)).isLessThanOrEqualTo(Math.max(atFirst, GLANCED));

        Recorder all = consume(tunnel);
        awaitAutoRead(tunnel, true);
        send(out -> FrameWriter.ping(out, false, 7));
        until(frame -> frame.equals("PING ACK"));
        assertThat(tunnel.eventLoop().submit(all.bytes::size).get()).isEqualTo(100 * 32 * KIB);
    }

    private Channel begin() throws Exception {
        ByteBuf block = Unpooled.buffer();
        headers.encode(1, new DefaultHttp2Headers(false).method("CONNECT").authority("a:1"), block);
        send(
                out -> {
                    FrameWriter.preface(out);
                    FrameWriter.settings(out);
                    FrameWriter.settingsAck(out);
                    FrameWriter.headers(out, 1, block, false, 16_384);
                });
        block.release();
        until(frame -> frame.equals("HEADERS 1 200"));
        return accepted.get(10, TimeUnit.SECONDS).tunnel().channel();
    }

    private static void data(ByteBuf out, int frames) {
        for (int i = 0; i < frames; i++) {
            FrameWriter.dataHeader(out, 1, 32 * KIB, false);
            out.writeZero(32 * KIB);
        }
    }

    private void send(RawPeer.Writing writing) throws IOException {
        ByteBuf out = Unpooled.buffer();
        writing.to(out);
        out.readBytes(socket.getOutputStream(), out.readableBytes());
        out.release();
    }

    /// Reads frames of the tunnel until the one that is awaited; fails after the socket's timeout.
    private List<String> until(Predicate<String> awaited) throws IOException {
        List<String> seen = new ArrayList<>();
        byte[] buffer = new byte[4096];
        while (seen.stream().noneMatch(awaited)) {
            int size = socket.getInputStream().read(buffer);
            assertThat(size).as("bytes after " + seen).isPositive();
            seen.addAll(log.read(Unpooled.copiedBuffer(buffer, 0, size)));
        }
        return seen;
    }

    private static void awaitAutoRead(Channel tunnel, boolean on) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (tunnel.eventLoop().submit(() -> tunnel.config().isAutoRead()).get() != on) {
            assertThat(System.nanoTime()).as("waiting for autoRead " + on).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }
}
