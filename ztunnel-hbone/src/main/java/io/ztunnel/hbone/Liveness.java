package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.ErrorCode;

/// Whether the peer is still there (`docs/spec/dataplane.md` 9.6).
///
/// Anything that arrives is a sign of life. After a silence a PING asks for one; without it the
/// peer is doubtful first, so that nothing new relies on it, and dead later. Times are nanos of the
/// loop. A tunnel that is not read asks nobody: see [Pause].
final class Liveness {
    static final long PING = 0x7a74756e6e656c21L;

    private final TunnelConnection tunnel;
    private final long pingInterval;
    private final long pingTimeout;
    private final long trust;
    private final long doubtTimeout;
    private final long goAway;

    private long lastHeard;
    private long arrivals;
    private long pingSentAt;
    private boolean pinging;
    private boolean doubtful;

    /// @param server whether we are the side that says GOAWAY to somebody who may not hear it
    Liveness(TunnelConnection tunnel, boolean server, long now) {
        this.tunnel = tunnel;
        TunnelSettings settings = tunnel.settings;
        this.pingInterval = settings.pingInterval().toNanos();
        this.pingTimeout = settings.pingTimeout().toNanos();
        this.trust = settings.trust().toNanos();
        this.doubtTimeout = settings.doubtTimeout().toNanos();
        this.goAway = server ? ErrorCode.NO_ERROR : -1;
        this.lastHeard = now;
    }

    /// Something arrived. True when that ends a doubt.
    boolean heard(long now) {
        lastHeard = now;
        arrivals++;
        pinging = false;
        boolean doubted = doubtful;
        doubtful = false;
        return doubted;
    }

    /// Reading begins again: whoever did not listen cannot call the other one silent.
    void listening(long now) {
        lastHeard = now;
        pinging = false;
    }

    /// When something arrived last.
    long lastHeard() {
        return lastHeard;
    }

    /// Grows whenever anything arrives.
    long arrivals() {
        return arrivals;
    }

    /// Whether a PING has gone unanswered for so long that nothing new should rely on the tunnel.
    boolean isDoubtful() {
        return doubtful;
    }

    /// Asks for a sign of life beside what is about to be sent, when there was none for a while:
    /// the address may belong to somebody else by now, or to nobody.
    void askIfSilent(long now) {
        if (!pinging && now - lastHeard >= trust) {
            tunnel.pulse.by(ping(now));
        }
    }

    /// Asks, doubts or ends the tunnel, whatever is due. Returns the next deadline.
    long beat(long now) {
        if (!pinging) {
            long quiet = lastHeard + pingInterval;
            if (now - quiet < 0) {
                return quiet;
            }
            long next = ping(now);
            tunnel.send();
            return next;
        }
        long limit = pingSentAt + pingTimeout;
        if (now - limit >= 0) {
            tunnel.terminate(TunnelClosed.silence("ping timeout"), goAway);
            return Pulse.NEVER;
        }
        if (doubtful) {
            return limit;
        }
        long patience = pingSentAt + doubtTimeout;
        if (now - patience < 0) {
            return Math.min(limit, patience);
        }
        doubtful = true;
        tunnel.onDoubt(true);
        return limit;
    }

    private long ping(long now) {
        pinging = true;
        pingSentAt = now;
        tunnel.frames.ping(false, PING);
        return now + Math.min(doubtTimeout, pingTimeout);
    }
}
