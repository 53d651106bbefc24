package io.ztunnel.outbound;

import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.TunnelPool;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Dialer;
import io.ztunnel.observe.Reporter;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodSlice;

import java.util.Set;

/// What the outbound stages of one slice have at hand. Confined to the worker's loop.
///
/// @param innerTunnels those inside a tunnel to a gateway; no pool holds them
record Outbound(
        PodSlice slice,
        OutboundSettings settings,
        OutboundRouter router,
        Dialer dialer,
        TunnelPool<TunnelKey> tunnels,
        Set<Tunnel> innerTunnels,
        CertificateSource certificates,
        TlsContexts tls,
        NameResolver names,
        Lookups lookups,
        TunnelSettings tunnelSettings) {

    /// A tunnel's handshake is over.
    void secured(PeerIdentity peer) {
        slice.worker()
                .observer()
                .tunnelSecured(Reporter.SOURCE, peer.version(), peer.cipher(), peer.group());
    }
}
