package io.ztunnel.bench.micro;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.HeaderBlocks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;

/// The header block of a CONNECT request, on a connection that has seen such blocks before. Not in
/// upstream's suite.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Hpack {
    private static final int LIST_SIZE = 16_384;

    private final HeaderBlocks writing = new HeaderBlocks(LIST_SIZE);
    private final HeaderBlocks reading = new HeaderBlocks(LIST_SIZE);
    private final Http2Headers request =
            new DefaultHttp2Headers()
                    .method("CONNECT")
                    .authority("10.244.1.17:8080")
                    .add(
                            "baggage",
                            "k8s.cluster.name=Kubernetes,k8s.namespace.name=default,"
                                    + "k8s.deployment.name=shop,service.name=shop,"
                                    + "service.version=v1")
                    .add("forwarded", "for=10.244.2.9;host=shop.default.svc.cluster.local:80")
                    .add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    private final ByteBuf out = Unpooled.directBuffer(1_024);
    private final ByteBuf block = Unpooled.directBuffer(1_024);

    /// Fills both tables, so that what is measured is the second and every later request.
    public Hpack() {
        try {
            ByteBuf first = Unpooled.buffer();
            writing.encode(1, request, first);
            reading.decode(1, first);
            writing.encode(3, request, block);
        } catch (ConnectionError impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Benchmark
    public ByteBuf encode() {
        out.clear();
        writing.encode(5, request, out);
        return out;
    }

    @Benchmark
    public HeaderBlocks.Decoded decode() throws ConnectionError {
        block.readerIndex(0);
        return reading.decode(5, block);
    }
}
