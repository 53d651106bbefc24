package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.TunnelPool;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Dialer;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.tls.CredentialsEnded;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.Standing;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.LiveConnection.Cut;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodSlice;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;

/// Takes sockets on port 15001 and owns what they share: the tunnels of the slice.
///
/// Confined to the worker's loop.
public final class OutboundListener implements PodSlice.Part {
    private static final Logger LOG = LoggerFactory.getLogger(OutboundListener.class);

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
        TunnelFactory factory =
                new TunnelFactory(
                        slice.worker().loop(), dialer, certificates, tls, peer -> secured(peer));
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
                        new HashSet<>(),
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

    private void secured(PeerIdentity peer) {
        stage.secured(peer);
    }

    /// Those whose certificates have run out or were revoked end with all their connections, each
    /// of which says why. One pass over the connections, however many tunnels end.
    @Override
    public void inspectTunnels() {
        Map<Tunnel, CredentialsEnded> ended = new HashMap<>();
        stage.tunnels().forEachTunnel((_, tunnel) -> inspect(tunnel, ended));
        stage.innerTunnels().forEach(tunnel -> inspect(tunnel, ended));
        if (ended.isEmpty()) {
            return;
        }
        stage.slice()
                .outbound()
                .forEach(
                        connection ->
                                ended.forEach(
                                        (tunnel, cause) -> {
                                            if (((OutboundConnection) connection)
                                                    .isCarriedBy(tunnel)) {
                                                connection.cut(
                                                        cause.revoked()
                                                                ? Cut.REVOKED
                                                                : Cut.EXPIRED);
                                            }
                                        }));
        ended.forEach(OutboundListener::end);
    }

    private void inspect(Tunnel tunnel, Map<Tunnel, CredentialsEnded> ended) {
        switch (stage.tls().standing(tunnel.channel(), stage.certificates())) {
            case Standing.Firm _ -> {}
            case Standing.Leaving _ -> tunnel.drain();
            case Standing.Ended end -> ended.put(tunnel, end.cause());
        }
    }

    private static void end(Tunnel tunnel, CredentialsEnded cause) {
        LOG.atWarn()
                .addKeyValue("dst.addr", tunnel.channel().remoteAddress())
                .addKeyValue("direction", "outbound")
                .log("tunnel closed: {}", cause.detail());
        tunnel.close(cause);
    }

    /// Idle tunnels keep nobody waiting; the connections are counted by the slice.
    @Override
    public boolean isQuiet() {
        return true;
    }
}
