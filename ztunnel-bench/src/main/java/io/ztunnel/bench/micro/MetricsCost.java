package io.ztunnel.bench.micro;

import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.ConnectionDescription;
import io.ztunnel.observe.ConnectionRecord;
import io.ztunnel.observe.LogFilter;
import io.ztunnel.observe.LogFormat;
import io.ztunnel.observe.LogWriter;
import io.ztunnel.observe.Logging;
import io.ztunnel.observe.Metrics;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Outcome;
import io.ztunnel.observe.Party;
import io.ztunnel.observe.Reporter;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Upstream's `metrics`: `write` is a connection opened, with its labels made from its workloads;
/// `encode` a scrape. Ours also closes the connection, with access lines off.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MetricsCost {
    private static final int SERIES = 100;

    private final LogWriter writer =
            new LogWriter(OutputStream.nullOutputStream(), LogFormat.PLAIN);
    private final Metrics metrics = new Metrics("unknown", writer);
    private final Observer observer =
            new Observer(
                    metrics.newShard(),
                    Logging.start(writer, LogFormat.PLAIN, LogFilter.parse("off"))
                            .accessLog(Runnable::run),
                    System::nanoTime);
    private final InetSocketAddress address = new InetSocketAddress("127.0.0.1", 80);
    private final Party destination = Party.of(Facts.workload(1, List.of()));
    private final Workload source = Facts.workload(0, List.of());

    /// A node has many label sets; a scrape writes them all.
    public MetricsCost() {
        for (int i = 0; i < SERIES; i++) {
            Party party = Party.of(Facts.workload(i, List.of()));
            observer.open(description(party.named("pod")), 0).close(Outcome.ok());
        }
    }

    @Benchmark
    public ConnectionRecord write() {
        ConnectionRecord connection = observer.open(description(Party.of(source)), 0);
        connection.clientToServer(1_024);
        connection.close(Outcome.ok());
        return connection;
    }

    @Benchmark
    public byte[] encode() {
        return metrics.expose();
    }

    @TearDown
    public void end() {
        writer.close();
    }

    private ConnectionDescription description(Party from) {
        return new ConnectionDescription(
                Reporter.SOURCE,
                address,
                from,
                null,
                address,
                null,
                null,
                destination,
                null,
                false);
    }
}
