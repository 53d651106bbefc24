package io.ztunnel.worker;

import io.ztunnel.relay.Relay;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// Looks at all connections of a worker from time to time and ends those that are over without
/// knowing it. Costs the bytes on their way nothing: what moved is read off their counters.
///
/// A connection with an ended direction on which nothing moves has its sockets probed by the
/// kernel, so that a program that is gone shows within about a minute. Confined to the loop.
final class IdleSweep implements Runnable {
    private final Worker worker;
    private final IdleLimits limits;
    private long now;

    IdleSweep(Worker worker, IdleLimits limits) {
        this.worker = worker;
        this.limits = limits;
    }

    void start() {
        long period = limits.period().toMillis();
        worker.loop().scheduleWithFixedDelay(this, period, period, TimeUnit.MILLISECONDS);
    }

    @Override
    public void run() {
        now = worker.observer().nanoTime();
        worker.tellLevels();
        // A copy, because a slice may leave with its last connection.
        for (PodSlice slice : worker.slicesNow()) {
            slice.outbound().forEach(this::look);
            slice.inbound().forEach(this::look);
        }
    }

    private void look(LiveConnection connection) {
        Relay relay = connection.relay();
        if (relay == null) {
            // Being made, which has deadlines of its own.
            return;
        }
        long moved = connection.moved();
        Relay.State state = relay.state();
        if (moved != connection.movedBefore || state != connection.stateBefore) {
            connection.movedBefore = moved;
            connection.stateBefore = state;
            connection.quietSince = now;
            return;
        }
        long quiet = now - connection.quietSince;
        switch (state) {
            case OPEN ->
                    end(connection, quiet, limits.of(connection.port()), LiveConnection.Cut.IDLE);
            case HALF_CLOSED -> {
                relay.probe();
                end(connection, quiet, limits.of(connection.port()), LiveConnection.Cut.IDLE);
                end(connection, quiet, limits.halfClosed(), LiveConnection.Cut.HALF_CLOSED);
            }
            case ONE_SIDE_GONE -> end(connection, quiet, limits.gone(), LiveConnection.Cut.GONE);
            case OVER -> {}
        }
    }

    private void end(
            LiveConnection connection, long quiet, Duration limit, LiveConnection.Cut why) {
        if (!limit.isZero() && quiet >= limit.toNanos() && connection.listed) {
            worker.observer().metrics().reaped(why.label());
            connection.cut(why);
        }
    }
}
