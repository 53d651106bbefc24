package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2WindowUpdateFrame;
import io.netty.handler.codec.http2.Http2ChannelDuplexHandler;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// An independent implementation of HTTP/2 as the peer.
@ExtendWith(LeakCheck.class)
class NettyOracleTest {

    private final Wire wire = new Wire();
    private final byte[] sent = new byte[5_000_000];

    NettyOracleTest() {
        new Random(3).nextBytes(sent);
    }

    @AfterEach
    void close() {
        wire.close();
    }

    /// Answers 200 and echoes, giving back windows.
    private static final class NettyEcho extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (message instanceof Http2HeadersFrame headers) {
                ctx.writeAndFlush(
                        new DefaultHttp2HeadersFrame(new DefaultHttp2Headers().status("200"))
                                .stream(headers.stream()));
            } else if (message instanceof Http2DataFrame data) {
                int bytes = data.initialFlowControlledBytes();
                ctx.write(new DefaultHttp2WindowUpdateFrame(bytes).stream(data.stream()));
                ctx.writeAndFlush(
                        new DefaultHttp2DataFrame(data.content(), data.isEndStream())
                                .stream(data.stream()));
            } else {
                ReferenceCountUtil.release(message);
            }
        }
    }

    @Test
    void ourClientAgainstNettysServer() {
        wire.right
                .pipeline()
                .addLast(
                        Http2FrameCodecBuilder.forServer()
                                .initialSettings(Http2Settings.defaultSettings())
                                .build(),
                        new NettyEcho());
        ClientTunnel client = TunnelClient.install(wire.left, TunnelSettings.defaults());
        List<Opened> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            Opened opened = new Opened();
            client.open(ConnectRequest.to("10.0.0.1:80"), opened);
            all.add(opened);
        }
        wire.carry();

        for (int at = 0; at < sent.length; at += 50_000) {
            for (Opened opened : all) {
                opened.stream.write(Unpooled.copiedBuffer(sent, at, 50_000));
                opened.stream.flush();
            }
            wire.carry(20_000);
        }
        all.forEach(opened -> opened.stream.finish());
        wire.carry();

        for (Opened opened : all) {
            assertThat(opened.received.bytes.toByteArray()).isEqualTo(sent);
            assertThat(opened.received.events).contains("end").doesNotContain("reset");
        }
        assertThat(client.openStreams()).isZero();
        assertThat(client.isUsable()).isTrue();
    }

    @Test
    void nettysClientAgainstOurServer() {
        Echo echo = new Echo();
        Tunnel server = TunnelServer.install(wire.right, TunnelSettings.defaults(), echo);
        Http2FrameCodec codec = Http2FrameCodecBuilder.forClient().validateHeaders(false).build();
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        List<String> events = new ArrayList<>();
        Http2ChannelDuplexHandler netty =
                new Http2ChannelDuplexHandler() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        if (message instanceof Http2HeadersFrame headers) {
                            events.add("" + headers.headers().status());
                        } else if (message instanceof Http2DataFrame data) {
                            ByteBuf content = data.content();
                            byte[] bytes = new byte[content.readableBytes()];
                            content.readBytes(bytes);
                            received.writeBytes(bytes);
                            ctx.writeAndFlush(
                                    new DefaultHttp2WindowUpdateFrame(
                                                    data.initialFlowControlledBytes())
                                            .stream(data.stream()));
                            if (data.isEndStream()) {
                                events.add("end");
                            }
                        } else if (message instanceof Http2ResetFrame) {
                            events.add("reset");
                        }
                        ReferenceCountUtil.release(message);
                    }
                };
        wire.left.pipeline().addLast(codec, netty);
        wire.carry();
        Http2FrameStream stream = netty.newStream();
        wire.left.writeOneOutbound(
                new DefaultHttp2HeadersFrame(
                                new DefaultHttp2Headers(false).method("CONNECT").authority("x:1"))
                        .stream(stream));
        wire.left.flushOutbound();
        wire.carry();
        for (int at = 0; at < sent.length; at += 50_000) {
            wire.left.writeOneOutbound(
                    new DefaultHttp2DataFrame(
                                    Unpooled.copiedBuffer(sent, at, 50_000),
                                    at + 50_000 == sent.length)
                            .stream(stream));
            wire.left.flushOutbound();
            wire.carry(20_000);
        }

        assertThat(received.toByteArray()).isEqualTo(sent);
        assertThat(events).containsExactly("200", "end");
        assertThat(server.openStreams()).isZero();
    }
}
