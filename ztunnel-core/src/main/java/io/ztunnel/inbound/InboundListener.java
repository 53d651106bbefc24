package io.ztunnel.inbound;

import io.netty.channel.Channel;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Dialer;
import io.ztunnel.policy.PolicyJudge;
import io.ztunnel.route.InboundRouter;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.PodSlice;

/// Takes the sockets that arrive at a pod: tunnels on port 15008, redirected plain ones on 15006.
///
/// Confined to the worker's loop.
public final class InboundListener implements PodSlice.Part {
    private final TunnelListener tunnels;
    private final PlaintextListener plaintext;

    public InboundListener(
            PodSlice slice,
            InboundSettings settings,
            InboundRouter router,
            PolicyJudge judge,
            Dialer dialer,
            CertificateSource certificates,
            TlsContexts tls,
            TunnelSettings tunnelSettings) {
        Inbound stage =
                new Inbound(
                        slice, settings, router, judge, dialer, certificates, tls, tunnelSettings);
        tunnels = new TunnelListener(stage);
        plaintext = new PlaintextListener(stage);
        slice.onEachMesh(new PolicyRecheck(slice));
    }

    /// A socket accepted on port 15008, with reading switched off.
    public void onTunnel(Channel channel) {
        tunnels.onAccepted(channel);
    }

    /// A socket accepted on port 15006, with reading switched off.
    public void onPlaintext(Channel channel) {
        plaintext.onAccepted(channel);
    }

    @Override
    public void drain() {
        tunnels.drain();
    }

    @Override
    public void close() {
        tunnels.close();
    }

    @Override
    public boolean isQuiet() {
        return tunnels.isQuiet() && plaintext.isQuiet();
    }

    @Override
    public void inspectTunnels() {
        tunnels.inspectTunnels();
    }
}
