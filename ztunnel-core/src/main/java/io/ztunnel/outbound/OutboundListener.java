package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.ztunnel.hbone.TunnelPool;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Dialer;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodSlice;

import java.net.InetSocketAddress;

/// Takes sockets on port 15001 and owns what they share: the tunnels of the slice.
///
/// Confined to the worker's loop.
public final class OutboundListener implements PodSlice.Part {
    private final Outbound stage;

    public OutboundListener(
            PodSlice slice,
            OutboundSettings settings,
            OutboundRouter router,
            Dialer dialer,
            CertificateSource certificates,
            TlsContexts tls,
            NameResolver names,
            Lookups lookups,
            TunnelSettings tunnelSettings) {
        TunnelFactory factory = new TunnelFactory(slice.worker().loop(), dialer, certificates, tls);
        this.stage =
                new Outbound(
                        slice,
                        settings,
                        router,
                        dialer,
                        new TunnelPool<>(
                                slice.worker().loop(),
                                tunnelSettings,
                                slice.admission().buffers(),
                                factory),
                        certificates,
                        tls,
                        names,
                        lookups,
                        tunnelSettings);
    }

    /// An accepted socket, with reading switched off.
    public void onAccepted(Channel channel) {
        ReceiveSizes.of(channel);
        OutboundConnection.begin(stage, channel);
    }

    /// A live socket, with reading switched off, whose client has said where it wants to go. It has
    /// been counted.
    public void connect(Channel channel, InetSocketAddress target) {
        OutboundConnection.begin(stage, channel, target);
    }

    /// Connections go on; their tunnels are needed until the last one ends.
    @Override
    public void drain() {}

    @Override
    public void close() {
        stage.tunnels().close();
    }

    /// Idle tunnels keep nobody waiting; the connections are counted by the slice.
    @Override
    public boolean isQuiet() {
        return true;
    }
}
