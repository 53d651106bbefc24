package io.ztunnel.outbound;

import io.ztunnel.hbone.TunnelPool;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Dialer;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodSlice;

/// What the outbound stages of one slice have at hand. Confined to the worker's loop.
record Outbound(
        PodSlice slice,
        OutboundSettings settings,
        OutboundRouter router,
        Dialer dialer,
        TunnelPool<TunnelKey> tunnels,
        CertificateSource certificates,
        TlsContexts tls,
        NameResolver names,
        Lookups lookups,
        TunnelSettings tunnelSettings) {}
