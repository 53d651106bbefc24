package io.ztunnel.bench.micro;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.FrameReader;
import io.ztunnel.hbone.h2.FrameSink;
import io.ztunnel.hbone.h2.FrameWriter;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;

/// One DATA frame written and one read: what HTTP/2 adds to bytes that pass. Not in upstream's
/// suite.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Framing {
    /// Payload bytes of a frame: a small request, the protocol's default, one full read.
    @Param({"1024", "16384", "65536"})
    int payload;

    private ByteBuf out = Unpooled.EMPTY_BUFFER;
    private ByteBuf frame = Unpooled.EMPTY_BUFFER;
    private final Counting sink = new Counting();
    private final FrameReader reader =
            new FrameReader(
                    sink,
                    new FrameReader.Limits(1 << 20, 1 << 16, 8, 1 << 12),
                    UnpooledByteBufAllocator.DEFAULT,
                    false);

    @Setup
    public void prepare() throws ConnectionError {
        out = Unpooled.directBuffer(FrameWriter.HEADER_BYTES);
        frame = Unpooled.directBuffer(FrameWriter.HEADER_BYTES + payload);
        // A connection begins with SETTINGS.
        ByteBuf settings = Unpooled.buffer();
        FrameWriter.settings(settings);
        reader.read(settings);
        FrameWriter.dataHeader(frame, 1, payload, false);
        frame.writeZero(payload);
    }

    /// The header only: the payload is passed on where it lies.
    @Benchmark
    public ByteBuf encode() {
        out.clear();
        FrameWriter.dataHeader(out, 1, payload, false);
        return out;
    }

    @Benchmark
    public long decode() throws ConnectionError {
        frame.readerIndex(0);
        reader.read(frame.retain());
        return sink.bytes;
    }

    private static final class Counting implements FrameSink {
        private long bytes;

        @Override
        public void onDataStart(int streamId, int length, boolean endStream) {}

        @Override
        public void onDataChunk(ByteBuf chunk) {
            bytes += chunk.readableBytes();
            chunk.release();
        }

        @Override
        public void onDataPadding(int bytes) {}

        @Override
        public void onDataEnd(boolean endStream) {}

        @Override
        public void onHeaders(int streamId, ByteBuf block, boolean endStream) {}

        @Override
        public void onRstStream(int streamId, long code) {}

        @Override
        public void onSetting(int id, long value) {}

        @Override
        public void onSettingsEnd() {}

        @Override
        public void onSettingsAck() {}

        @Override
        public void onPing(boolean ack, long opaque) {}

        @Override
        public void onGoAway(int lastStreamId, long code) {}

        @Override
        public void onWindowUpdate(int streamId, int increment) {}

        @Override
        public void onIgnored() {}
    }
}
