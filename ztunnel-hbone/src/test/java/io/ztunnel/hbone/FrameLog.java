package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.FrameReader;
import io.ztunnel.hbone.h2.FrameSink;
import io.ztunnel.hbone.h2.HeaderBlocks;

import java.util.ArrayList;
import java.util.List;

/// Writes down the frames of a byte stream, one line each.
final class FrameLog implements FrameSink {

    final List<String> lines = new ArrayList<>();
    final StringBuilder data = new StringBuilder();
    private final HeaderBlocks headers = new HeaderBlocks(1 << 20);
    private final FrameReader reader;
    private String settings = "";
    private int dataBytes;
    private int dataStream;

    FrameLog(boolean preface) {
        reader =
                new FrameReader(
                        this,
                        new FrameReader.Limits(1 << 24, 1 << 20, 100, 6000),
                        UnpooledByteBufAllocator.DEFAULT,
                        preface);
    }

    /// Reads more; the buffer is released.
    List<String> read(ByteBuf bytes) {
        int before = lines.size();
        try {
            reader.read(bytes);
        } catch (ConnectionError broken) {
            lines.add("BROKEN " + broken.getMessage());
        }
        return lines.subList(before, lines.size());
    }

    void close() {
        headers.close();
        reader.close();
    }

    @Override
    public void onDataStart(int streamId, int length, boolean endStream) {
        dataStream = streamId;
        dataBytes = length;
    }

    @Override
    public void onDataChunk(ByteBuf chunk) {
        for (int i = 0; i < chunk.readableBytes() && data.length() < 4096; i++) {
            data.append((char) chunk.getUnsignedByte(chunk.readerIndex() + i));
        }
        chunk.release();
    }

    @Override
    public void onDataPadding(int bytes) {}

    @Override
    public void onDataEnd(boolean endStream) {
        lines.add("DATA " + dataStream + " " + dataBytes + (endStream ? " END" : ""));
    }

    @Override
    public void onHeaders(int streamId, ByteBuf block, boolean endStream) throws ConnectionError {
        HeaderBlocks.Decoded decoded = headers.decode(streamId, block);
        String text =
                decoded instanceof HeaderBlocks.Decoded.Fields fields
                        ? ""
                                + (fields.headers().status() == null
                                        ? fields.headers().method()
                                        : fields.headers().status())
                        : decoded.toString();
        lines.add("HEADERS " + streamId + " " + text + (endStream ? " END" : ""));
    }

    @Override
    public void onRstStream(int streamId, long code) {
        lines.add("RST " + streamId + " " + code);
    }

    @Override
    public void onSetting(int id, long value) {
        settings += " " + id + "=" + value;
    }

    @Override
    public void onSettingsEnd() {
        lines.add("SETTINGS" + settings);
        settings = "";
    }

    @Override
    public void onSettingsAck() {
        lines.add("SETTINGS ACK");
    }

    @Override
    public void onPing(boolean ack, long opaque) {
        lines.add(ack ? "PING ACK" : "PING");
    }

    @Override
    public void onGoAway(int lastStreamId, long code) {
        lines.add("GOAWAY " + lastStreamId + " " + code);
    }

    @Override
    public void onWindowUpdate(int streamId, int increment) {
        lines.add("WINDOW " + streamId + " " + increment);
    }

    @Override
    public void onIgnored() {
        lines.add("IGNORED");
    }
}
