package io.ztunnel.observe;

import io.ztunnel.relay.ByteMeter;

/// One connection from its opening to its end: the only writer of its access line and its counters.
///
/// Confined to the worker's loop. Closed exactly once; a second [#close] is ignored, so that
/// whoever tidies up last need not know whether somebody did before.
public final class ConnectionRecord implements ByteMeter {
    private final Observer observer;
    private final ConnectionDescription description;
    private final TrafficSeries series;
    private final long startNanos;
    private long clientToServer;
    private long serverToClient;
    private boolean closed;

    ConnectionRecord(
            Observer observer,
            ConnectionDescription description,
            TrafficSeries series,
            long startNanos) {
        this.observer = observer;
        this.description = description;
        this.series = series;
        this.startNanos = startNanos;
    }

    /// Bytes that were written towards the server. Called for every write: two additions.
    @Override
    public void clientToServer(long bytes) {
        clientToServer += bytes;
        series.add(TrafficSeries.RECEIVED, bytes);
    }

    /// Bytes that were written towards the client.
    @Override
    public void serverToClient(long bytes) {
        serverToClient += bytes;
        series.add(TrafficSeries.SENT, bytes);
    }

    /// Ends the record: counters with the final flag, one access line.
    public void close(Outcome outcome) {
        if (closed) {
            return;
        }
        closed = true;
        series.add(TrafficSeries.CLOSED + outcome.flag().cell(), 1);
        if (outcome.flag() != ResponseFlag.NONE) {
            series.add(TrafficSeries.FAILED + outcome.flag().cell(), 1);
        }
        observer.ended(this, outcome);
    }

    public boolean isClosed() {
        return closed;
    }

    public ConnectionDescription description() {
        return description;
    }

    public long startNanos() {
        return startNanos;
    }

    public long clientToServerBytes() {
        return clientToServer;
    }

    public long serverToClientBytes() {
        return serverToClient;
    }
}
