package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetSocketAddress;
import java.util.function.LongSupplier;

/// What one worker tells operators: its counters and its access lines.
///
/// Confined to the worker's loop, except [#socketOpened] and [#socketClosed].
public final class Observer {
    private static final Logger TLS_LOG = LoggerFactory.getLogger("io.ztunnel.tls.Tunnel");

    private final MetricsShard metrics;
    private final AccessLog log;
    private final LongSupplier nanoTime;

    /// @param nanoTime the clock durations are measured with, normally `System::nanoTime`
    public Observer(MetricsShard metrics, AccessLog log, LongSupplier nanoTime) {
        this.metrics = metrics;
        this.log = log;
        this.nanoTime = nanoTime;
    }

    /// Opens a record: counts it, creates its byte series at 0 and says so at DEBUG.
    ///
    /// @param startNanos when the connection began, by this observer's clock; it may be earlier
    ///     than now
    public ConnectionRecord open(ConnectionDescription description, long startNanos) {
        TrafficSeries series = series(description);
        series.add(TrafficSeries.OPENED, 1);
        log.opened(description);
        return new ConnectionRecord(this, description, series, startNanos);
    }

    TrafficSeries series(ConnectionDescription description) {
        return metrics.traffic(description.key());
    }

    /// An endpoint failed before a byte was sent, and another one is tried.
    public void retried(ResponseFlag failure) {
        metrics.retried(failure);
    }

    /// Another endpoint than the first was reached.
    public void rescued() {
        metrics.rescued();
    }

    /// An endpoint is avoided from now on, for a while.
    public void avoided() {
        metrics.avoided();
    }

    /// A policy in dry run would have decided.
    ///
    /// @param policy its key, or empty where there are only ALLOW policies in dry run and none
    ///     matched
    public void dryRun(String policy, boolean allows) {
        metrics.dryRun(policy, allows);
    }

    /// A connection was judged without policies that its workload lists and that are not known.
    public void unknownPolicy() {
        metrics.unknownPolicy();
    }

    /// A connection was turned away before it had a record: one WARN line, no counters.
    ///
    /// @param direction `inbound` or `outbound`
    /// @param error a sentence of docs/spec/config-observability-dns.md 5.6
    public void denied(
            InetSocketAddress source,
            InetSocketAddress destination,
            String direction,
            String error) {
        log.denied(source, destination, direction, error);
    }

    /// A TCP socket was accepted; a tunnel counts once. Any thread.
    public void socketOpened(Reporter reporter) {
        metrics.socketOpened(reporter);
    }

    /// The work for an accepted socket is over, however it ended. Any thread.
    public void socketClosed(Reporter reporter) {
        metrics.socketClosed(reporter);
    }

    /// A tunnel's TLS handshake has succeeded: counted by how it is protected, and said at DEBUG.
    ///
    /// @param group null where not known
    public void tunnelSecured(
            Reporter reporter, String version, String suite, @Nullable String group) {
        String known = group == null ? "unknown" : group;
        metrics.tunnelSecured(reporter, version, suite, known);
        TLS_LOG.atDebug()
                .addKeyValue("direction", reporter.direction())
                .addKeyValue("version", version)
                .addKeyValue("suite", suite)
                .addKeyValue("group", known)
                .log("tunnel secured");
    }

    public MetricsShard metrics() {
        return metrics;
    }

    public long nanoTime() {
        return nanoTime.getAsLong();
    }

    void ended(ConnectionRecord connection, Outcome outcome) {
        log.ended(connection, outcome, nanoTime.getAsLong() - connection.startNanos());
    }
}
