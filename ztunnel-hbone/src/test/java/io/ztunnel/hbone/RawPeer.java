package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.HeaderBlocks;

import java.util.List;
import java.util.concurrent.TimeUnit;

/// The other end of a tunnel, written by hand frame by frame.
final class RawPeer implements AutoCloseable {

    final EmbeddedChannel channel;
    final FrameLog log;
    private final HeaderBlocks headers = new HeaderBlocks(1 << 20);

    private RawPeer(boolean tunnelIsClient, EmbeddedChannel channel) {
        this.channel = channel;
        channel.freezeTime();
        log = new FrameLog(tunnelIsClient);
    }

    /// A client of a server tunnel; prefaces are exchanged.
    static RawPeer ofServer(TunnelSettings settings, ConnectHandler handler) {
        EmbeddedChannel channel = new EmbeddedChannel();
        TunnelServer.install(channel, settings, handler);
        return on(channel);
    }

    /// A client of the server tunnel on a channel; prefaces are exchanged.
    static RawPeer on(EmbeddedChannel server) {
        RawPeer peer = new RawPeer(false, server);
        peer.send(
                out -> {
                    FrameWriter.preface(out);
                    FrameWriter.settings(out);
                    FrameWriter.settingsAck(out);
                });
        peer.frames();
        return peer;
    }

    /// A server of a client tunnel that has sent its SETTINGS.
    static RawPeer ofClient(TunnelSettings settings, ClientTunnel[] tunnel) {
        RawPeer peer = new RawPeer(true, new EmbeddedChannel());
        tunnel[0] = TunnelClient.install(peer.channel, settings);
        peer.send(out -> FrameWriter.settings(out));
        peer.frames();
        return peer;
    }

    Tunnel tunnel() {
        return channel.pipeline().get(TunnelConnection.class);
    }

    interface Writing {
        void to(ByteBuf out);
    }

    RawPeer send(Writing writing) {
        ByteBuf out = channel.alloc().buffer();
        writing.to(out);
        if (channel.isOpen()) {
            channel.writeInbound(out);
        } else {
            out.release();
        }
        return this;
    }

    /// A frame with any header and payload.
    RawPeer frame(int type, int flags, int stream, int... payload) {
        return send(
                out -> {
                    out.writeMedium(payload.length).writeByte(type).writeByte(flags);
                    out.writeInt(stream);
                    for (int octet : payload) {
                        out.writeByte(octet);
                    }
                });
    }

    RawPeer data(int stream, int size, boolean end) {
        return send(
                out -> {
                    FrameWriter.dataHeader(out, stream, size, end);
                    out.writeZero(size);
                });
    }

    RawPeer connect(int stream) {
        return headers(
                stream, new DefaultHttp2Headers(false).method("CONNECT").authority("a:1"), false);
    }

    RawPeer status(int stream, int code, boolean end) {
        return headers(stream, new DefaultHttp2Headers(false).status("" + code), end);
    }

    RawPeer headers(int stream, Http2Headers fields, boolean end) {
        ByteBuf block = Unpooled.buffer();
        headers.encode(stream, fields, block);
        send(out -> FrameWriter.headers(out, stream, block, end, 16_384));
        block.release();
        return this;
    }

    /// Frames of the tunnel since the last call.
    List<String> frames() {
        channel.runPendingTasks();
        return List.copyOf(log.read(Wire.drain(channel)));
    }

    RawPeer pass(long millis) {
        channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        return this;
    }

    boolean isOpen() {
        channel.runPendingTasks();
        return channel.isOpen();
    }

    @Override
    public void close() {
        channel.finishAndReleaseAll();
        log.close();
        headers.close();
    }
}
