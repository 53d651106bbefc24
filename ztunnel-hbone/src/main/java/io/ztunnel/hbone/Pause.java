package io.ztunnel.hbone;

import io.netty.channel.ChannelHandlerContext;

/// A tunnel that is not read, because its owner holds more than its share and nobody consumes it
/// ([ReceiveBudget]).
///
/// The peer cannot know. Its PINGs stand in the socket behind its data, and it would take us for
/// dead. So it hears from us often enough never to ask, and we glance at what it says: one buffer
/// at a time, as long as what all glances add stays within a bound. Beyond, only the signs of life
/// go on.
final class Pause {
    private final TunnelConnection tunnel;
    private final ChannelHandlerContext context;
    private final ReceiveBudget.Share share;

    /// Half of the time after which a peer like us puts nothing new onto a silent tunnel.
    private final long glanceInterval;

    /// Half of the time after which a peer like us asks.
    private final long signInterval;

    private boolean on;
    private long nextGlance;
    private long nextSign;

    Pause(TunnelConnection tunnel, long now) {
        this.tunnel = tunnel;
        this.context = tunnel.context;
        this.share = tunnel.credit.share();
        this.glanceInterval = tunnel.settings.doubtTimeout().toNanos() / 2;
        this.signInterval = tunnel.settings.pingInterval().toNanos() / 2;
        this.nextSign = now;
    }

    boolean isOn() {
        return on;
    }

    void begin() {
        on = true;
        share.park(tunnel);
        context.channel().config().setAutoRead(false);
        nextGlance = tunnel.pulse.now() + glanceInterval;
        tunnel.pulse.by(nextGlance);
        tunnel.pulse.by(nextSign);
    }

    void end() {
        on = false;
        context.channel().config().setAutoRead(true);
    }

    /// Does what is due while it is on. Returns the next deadline.
    long beat(long now) {
        if (now - nextSign >= 0) {
            nextSign = now + signInterval;
            tunnel.frames.ping(false, Liveness.PING);
            tunnel.send();
        }
        if (now - nextGlance >= 0) {
            nextGlance = now + glanceInterval;
            if (share.allowsGlances()) {
                context.read();
            }
        }
        return Math.min(nextGlance, nextSign);
    }
}
