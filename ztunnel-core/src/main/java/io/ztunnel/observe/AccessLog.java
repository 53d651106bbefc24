package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.concurrent.Executor;

/// The access lines of one worker (docs/spec/config-observability-dns.md 5.5).
///
/// Confined to the worker's loop. Lines are written straight into a buffer that is kept, and handed
/// to the [LogWriter] once per turn of the loop: a line costs no string, no event object, and a
/// burst of them one hand-over.
public final class AccessLog {
    /// A batch is handed over early beyond this, so that one turn cannot pile up lines without
    /// bound.
    private static final int BATCH_BYTES = 32 << 10;

    private final LogWriter writer;
    private final Logger logger;
    private final InstantSource clock;
    private final Executor loop;
    private final LineBuffer batch = new LineBuffer(8 << 10);
    private final EventLine line;
    private int lines;
    private boolean handOverQueued;

    /// @param logger named `access`; only asked for its level
    /// @param loop the worker's own, or `Runnable::run` to hand each line over at once
    AccessLog(
            LogWriter writer, LogFormat format, Logger logger, InstantSource clock, Executor loop) {
        this.writer = writer;
        this.logger = logger;
        this.clock = clock;
        this.loop = loop;
        line = new EventLine(format, batch);
    }

    void opened(ConnectionDescription description) {
        if (logger.isDebugEnabled()) {
            begin(LogFilter.Level.DEBUG, "connection opened");
            describe(description);
            end();
        }
    }

    void ended(ConnectionRecord connection, Outcome outcome, long durationNanos) {
        String error = outcome.error();
        if (error == null ? !logger.isInfoEnabled() : !logger.isErrorEnabled()) {
            return;
        }
        begin(error == null ? LogFilter.Level.INFO : LogFilter.Level.ERROR, "connection complete");
        ConnectionDescription description = connection.description();
        describe(description);
        // Seen from the local pod, unlike the counters.
        boolean outbound = description.reporter() == Reporter.SOURCE;
        long toServer = connection.clientToServerBytes();
        long toClient = connection.serverToClientBytes();
        line.number("bytes_sent", outbound ? toServer : toClient);
        line.number("bytes_recv", outbound ? toClient : toServer);
        line.milliseconds("duration", Math.max(0, durationNanos / 1_000_000));
        line.text("error", error);
        if (connection.attempts() > 1) {
            line.number("attempts", connection.attempts());
        }
        end();
    }

    void denied(
            InetSocketAddress source,
            InetSocketAddress destination,
            String direction,
            String error) {
        if (logger.isWarnEnabled()) {
            begin(LogFilter.Level.WARN, "connection failed");
            line.address("src.addr", source);
            line.address("dst.addr", destination);
            line.text("direction", direction);
            line.text("error", error);
            end();
        }
    }

    private void describe(ConnectionDescription d) {
        line.address("src.addr", d.source());
        line.known("src.workload", d.sourceParty().shownName());
        line.known("src.namespace", d.sourceParty().namespace());
        identity("src.identity", d.provenSource());
        line.known("src.cluster", d.sourceParty().cluster());
        line.address("dst.addr", d.destination());
        line.bare("dst.hbone_addr", d.hboneAuthority());
        line.known("dst.service", d.service() == null ? "" : d.service().hostname());
        line.known("dst.workload", d.destinationParty().shownName());
        line.known("dst.namespace", d.destinationParty().namespace());
        identity("dst.identity", d.mutualTls() ? d.expectedDestination() : null);
        line.known("dst.cluster", d.destinationParty().cluster());
        line.text("direction", d.reporter().direction());
    }

    private void identity(String name, io.ztunnel.mesh.@Nullable SpiffeId identity) {
        if (identity != null) {
            line.text(name, identity.toString());
        }
    }

    private void begin(LogFilter.Level level, String message) {
        line.begin(clock.instant(), level.text(), Scope.ACCESS, message);
    }

    private void end() {
        line.end();
        lines++;
        if (batch.length() > BATCH_BYTES) {
            handOver();
        } else if (!handOverQueued) {
            handOverQueued = true;
            loop.execute(this::queuedHandOver);
        }
    }

    private void queuedHandOver() {
        handOverQueued = false;
        handOver();
    }

    private void handOver() {
        if (lines > 0) {
            writer.offer(Arrays.copyOf(batch.array(), batch.length()), lines, true);
            batch.clear();
            lines = 0;
        }
    }
}
