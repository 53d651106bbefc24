package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

@ExtendWith(LeakCheck.class)
class StreamChannelTest {

    private final Wire wire = new Wire();
    private final Echo inner = new Echo();
    private final List<StreamChannel> served = new ArrayList<>();

    private final ConnectHandler gateway =
            new ConnectHandler() {
                @Override
                public void onConnect(IncomingConnect connect) {
                    StreamChannel channel = StreamChannel.open(connect.accept(null));
                    served.add(channel);
                    TunnelServer.install(channel, TunnelSettings.defaults(), inner);
                }

                @Override
                public void onTunnelClosed(Throwable cause) {}
            };

    @AfterEach
    void close() {
        wire.close();
    }

    @Test
    void aTunnelRunsInsideAStreamOfAnother() {
        TunnelServer.install(wire.right, TunnelSettings.defaults(), gateway);
        ClientTunnel outer = TunnelClient.install(wire.left, TunnelSettings.defaults());
        Opened first = new Opened();
        StreamChannel[] channel = new StreamChannel[1];
        outer.open(
                ConnectRequest.to("gateway:15008"),
                new OpenListener() {
                    @Override
                    public void onOpen(TunnelStream stream) {
                        channel[0] = StreamChannel.open(stream);
                        TunnelClient.install(channel[0], TunnelSettings.defaults())
                                .open(ConnectRequest.to("10.0.0.1:80"), first);
                    }

                    @Override
                    public void onFailure(OpenFailure failure) {
                        throw new AssertionError(failure.text());
                    }
                });
        wire.carry();
        byte[] sent = new byte[3_000_000];
        new java.util.Random(7).nextBytes(sent);

        for (int at = 0; at < sent.length; at += 30_000) {
            first.stream.write(Unpooled.copiedBuffer(sent, at, 30_000));
            first.stream.flush();
            wire.carry(5_000);
        }
        first.stream.finish();
        wire.carry();

        assertThat(first.received.bytes.toByteArray()).isEqualTo(sent);
        assertThat(first.received.events).contains("end");
        channel[0].close();
        wire.carry();
        assertThat(outer.openStreams()).isZero();
        assertThat(served.getFirst().isOpen()).isFalse();
        assertThat(inner.closed).isTrue();
    }

    @Test
    void losingTheOuterTunnelEndsTheInnerOne() {
        Tunnel server = TunnelServer.install(wire.right, TunnelSettings.defaults(), gateway);
        ClientTunnel outer = TunnelClient.install(wire.left, TunnelSettings.defaults());
        Opened opened = new Opened();
        outer.open(ConnectRequest.to("gateway:15008"), opened);
        wire.carry();
        opened.stream.write(Unpooled.copiedBuffer("PRI * HT", StandardCharsets.US_ASCII));
        opened.stream.flush();
        wire.carry();

        server.shutdown();
        wire.carry();

        assertThat(inner.closed).isTrue();
        assertThat(opened.received.failure).isInstanceOf(StreamFailure.TunnelLost.class);
    }
}
