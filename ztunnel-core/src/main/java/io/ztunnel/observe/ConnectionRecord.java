package io.ztunnel.observe;

import io.ztunnel.relay.ByteMeter;

/// One connection from its opening to its end: the only writer of its access line and its counters.
///
/// Confined to the worker's loop. Closed exactly once; a second [#close] is ignored, so that
/// whoever tidies up last need not know whether somebody did before.
public final class ConnectionRecord implements ByteMeter {
    private final Observer observer;
    private ConnectionDescription description;
    private TrafficSeries series;
    private final long startNanos;
    private long clientToServer;
    private long serverToClient;
    private int attempts = 1;
    private ResponseFlag lastFailure = ResponseFlag.NONE;
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

    /// The endpoint failed before a byte was sent, and another one is tried.
    ///
    /// @param failure the flag of the failed attempt
    public void retry(ResponseFlag failure) {
        attempts++;
        lastFailure = failure;
    }

    /// The connection leads elsewhere than it was described. Where that has other labels, it is
    /// counted as closed under the old ones, with the flag of the failure, and as opened under the
    /// new ones, so that no label set is left with a connection that never ends.
    public void moveTo(ConnectionDescription elsewhere) {
        TrafficSeries other = observer.series(elsewhere);
        if (other != series && !closed) {
            end(lastFailure);
            other.add(TrafficSeries.OPENED, 1);
            series = other;
        }
        description = elsewhere;
    }

    /// Ends the record: counters with the final flag, one access line.
    public void close(Outcome outcome) {
        if (closed) {
            return;
        }
        closed = true;
        end(outcome.flag());
        observer.ended(this, outcome);
    }

    private void end(ResponseFlag flag) {
        series.add(TrafficSeries.CLOSED + flag.cell(), 1);
        if (flag != ResponseFlag.NONE) {
            series.add(TrafficSeries.FAILED + flag.cell(), 1);
        }
    }

    /// Endpoints that were tried, the one that was reached included.
    public int attempts() {
        return attempts;
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
