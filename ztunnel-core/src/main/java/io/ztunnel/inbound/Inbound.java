package io.ztunnel.inbound;

import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Dialer;
import io.ztunnel.policy.PolicyJudge;
import io.ztunnel.route.InboundRouter;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.PodSlice;

/// What the inbound stages of one slice have at hand. Confined to the worker's loop.
record Inbound(
        PodSlice slice,
        InboundSettings settings,
        InboundRouter router,
        PolicyJudge judge,
        Dialer dialer,
        CertificateSource certificates,
        TlsContexts tls,
        TunnelSettings tunnelSettings) {}
