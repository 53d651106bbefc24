package io.ztunnel.relay;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.ztunnel.hbone.ReceiveBudget;
import io.ztunnel.hbone.testkit.LeakCheck;
import io.ztunnel.net.SteadyEpoll;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// A leg on a real socket: what the kernel does when a peer is quick, or gone.
@Timeout(30)
@ExtendWith(LeakCheck.class)
class TcpLegIT {
    private final MultiThreadIoEventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, SteadyEpoll.newFactory());
    private final BlockingQueue<TcpLeg> accepted = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final Channel listener =
            new ServerBootstrap()
                    .group(loops)
                    .channel(EpollServerSocketChannel.class)
                    .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                    .childOption(ChannelOption.AUTO_READ, false)
                    .childHandler(
                            new ChannelInitializer<Channel>() {
                                @Override
                                protected void initChannel(Channel channel) {
                                    accepted.add(TcpLeg.on(channel, ReceiveBudget.unlimited()));
                                }
                            })
                    .bind(InetAddress.getLoopbackAddress(), 0)
                    .syncUninterruptibly()
                    .channel();

    @AfterEach
    void end() {
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    @Test
    void aPeerThatHasSaidAllBeforeAnybodyListensIsStillAnswered() throws Exception {
        try (Socket peer = connect()) {
            peer.getOutputStream().write("x".getBytes(US_ASCII));
            peer.shutdownOutput();
            TcpLeg leg = accepted.take();
            // Its end reaches us unasked; only then does somebody begin to listen.
            run(leg, () -> {});
            run(leg, () -> leg.attach(new Recorder()));

            assertThat(events.take()).isEqualTo("data x");
            assertThat(events.take()).isEqualTo("burst");
            String next = events.take();
            // The byte and the end may come in one burst or in two.
            assertThat(next.equals("burst") ? events.take() : next).isEqualTo("end");

            run(leg, leg::resume);
            run(leg, () -> answer(leg, "answer"));
            assertThat(new String(peer.getInputStream().readAllBytes(), US_ASCII))
                    .isEqualTo("answer");
        }
    }

    @Test
    void whatIsQueuedIsSentAfterTheLegWasLetGo() throws Exception {
        try (Socket peer = connect()) {
            peer.shutdownOutput();
            TcpLeg leg = accepted.take();
            run(leg, () -> leg.attach(new Recorder()));
            int size = 32 << 20; // more than two kernels hold
            run(
                    leg,
                    () -> {
                        leg.write(leg.channel().alloc().buffer(size).writeZero(size));
                        leg.finish();
                        leg.close();
                    });

            assertThat(peer.getInputStream().readAllBytes()).hasSize(size);
        }
    }

    @Test
    void aResetIsReportedAsAnOrdinaryLoss() throws Exception {
        Socket peer = connect();
        TcpLeg leg = accepted.take();
        run(leg, () -> leg.attach(new Recorder()));
        peer.setSoLinger(true, 0);
        peer.close();

        String event = events.take();
        // The kernel may show the end before it shows the reset.
        while (!event.startsWith("gone")) {
            event = events.take();
        }
        assertThat(event).isEqualTo("gone null");
    }

    private static void answer(TcpLeg leg, String text) {
        leg.write(leg.channel().alloc().buffer().writeBytes(text.getBytes(US_ASCII)));
        leg.finish();
        leg.close();
    }

    private static void run(TcpLeg leg, Runnable action) {
        leg.channel().eventLoop().submit(action).syncUninterruptibly();
    }

    private Socket connect() throws Exception {
        InetSocketAddress address = (InetSocketAddress) listener.localAddress();
        return new Socket(address.getAddress(), address.getPort());
    }

    private final class Recorder implements LegListener {
        @Override
        public void onData(ByteBuf data) {
            events.add("data " + data.toString(US_ASCII));
            data.release();
        }

        @Override
        public void onBurstEnd() {
            events.add("burst");
        }

        @Override
        public void onEnd() {
            events.add("end");
        }

        @Override
        public void onGone(LegGone how) {
            events.add("gone " + how.error());
        }

        @Override
        public void onWritable() {
            events.add("writable");
        }
    }
}
