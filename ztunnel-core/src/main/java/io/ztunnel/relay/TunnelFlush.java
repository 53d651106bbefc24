package io.ztunnel.relay;

import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.TunnelStream;

/// Sends what the streams of one tunnel have written, once for each turn of the loop.
///
/// Sixteen applications that say something in one turn make one TLS record, one system call and one
/// wake-up at the other end instead of sixteen. Nothing waits longer than the turn. Confined to the
/// tunnel's loop.
final class TunnelFlush implements Runnable {
    private final TunnelStream any;
    private boolean coming;

    private TunnelFlush(TunnelStream any) {
        this.any = any;
    }

    /// The one of the stream's tunnel.
    static TunnelFlush of(TunnelStream stream) {
        Tunnel tunnel = stream.tunnel();
        TunnelFlush known = tunnel.attachment(TunnelFlush.class);
        if (known == null) {
            // Flushing one stream sends for all, also when that one has ended.
            known = new TunnelFlush(stream);
            tunnel.attach(known);
        }
        return known;
    }

    void soon() {
        if (!coming) {
            coming = true;
            any.tunnel().channel().eventLoop().execute(this);
        }
    }

    @Override
    public void run() {
        coming = false;
        any.flush();
    }
}
