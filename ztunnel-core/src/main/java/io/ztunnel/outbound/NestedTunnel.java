package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.netty.handler.ssl.SslHandler;
import io.ztunnel.hbone.ClientTunnel;
import io.ztunnel.hbone.ConnectRequest;
import io.ztunnel.hbone.OpenFailure;
import io.ztunnel.hbone.OpenListener;
import io.ztunnel.hbone.ResetCode;
import io.ztunnel.hbone.StreamChannel;
import io.ztunnel.hbone.TunnelClient;
import io.ztunnel.hbone.TunnelStream;
import io.ztunnel.hbone.header.Baggage;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.observe.Party;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.StreamLeg;
import io.ztunnel.tls.Handshake;
import io.ztunnel.tls.PeerIdentity;

import org.jspecify.annotations.Nullable;

import java.util.List;

import javax.net.ssl.SSLException;

/// The tunnel inside a tunnel: TLS with the far workload and a CONNECT of its own, through a stream
/// of the tunnel to the network gateway (docs/spec/dataplane.md 2.5). Confined to the worker's
/// loop.
final class NestedTunnel {

    interface Result {

        /// @param peer who the far end proved to be
        /// @param destination what it said of itself
        void onOpen(TunnelStream stream, @Nullable SpiffeId peer, Party destination);

        void onFailed(DialFailure failure);
    }

    private final Outbound stage;
    private final SpiffeId identity;
    private final List<SpiffeId> expected;
    private @Nullable Channel channel;

    NestedTunnel(Outbound stage, SpiffeId identity, List<SpiffeId> expected) {
        this.stage = stage;
        this.identity = identity;
        this.expected = expected;
    }

    void open(TunnelStream outer, ConnectRequest connect, Result result) {
        HeldCertificate certificate = stage.certificates().current(identity);
        if (certificate == null) {
            // The outer tunnel has just been opened with it, so it was forgotten meanwhile.
            outer.reset(ResetCode.CANCEL);
            result.onFailed(
                    new DialFailure(
                            ResponseFlag.IDENTITY_ERROR,
                            "identity error: the identity is no longer needed",
                            DialFailure.Fault.OURS));
            return;
        }
        Channel inner = StreamChannel.open(outer);
        channel = inner;
        SslHandler handler;
        try {
            handler = stage.tls().client(certificate, expected, inner.alloc());
        } catch (SSLException unusable) {
            close();
            result.onFailed(
                    new DialFailure(
                            ResponseFlag.TLS_FAILURE,
                            "tls error: " + unusable.getMessage(),
                            DialFailure.Fault.OURS));
            return;
        }
        Handshake.on(
                inner,
                handler,
                new Handshake.Listener() {
                    @Override
                    public void onSecured(PeerIdentity peer) {
                        stage.secured(peer);
                        ask(inner, peer.identity(), connect, result);
                    }

                    @Override
                    public void onFailed(String reason) {
                        close();
                        result.onFailed(
                                new DialFailure(
                                        ResponseFlag.CONNECT,
                                        "io error: " + reason,
                                        // Who accepts nobody is not asked twice.
                                        expected.isEmpty()
                                                ? DialFailure.Fault.OURS
                                                : DialFailure.Fault.BEHIND));
                    }
                });
    }

    private void ask(
            Channel inner, @Nullable SpiffeId peer, ConnectRequest connect, Result result) {
        ClientTunnel tunnel =
                TunnelClient.install(
                        inner, stage.tunnelSettings(), stage.slice().admission().buffers());
        stage.innerTunnels().add(tunnel);
        inner.closeFuture().addListener(closed -> stage.innerTunnels().remove(tunnel));
        tunnel.open(
                connect,
                new OpenListener() {
                    @Override
                    public void onOpen(TunnelStream stream) {
                        result.onOpen(stream, peer, destination(stream.responseBaggage()));
                    }

                    @Override
                    public void onFailure(OpenFailure failure) {
                        close();
                        result.onFailed(DialFailure.of(failure).inside());
                    }
                });
    }

    private static Party destination(@Nullable String baggage) {
        Baggage said = Baggage.parse(baggage);
        Party party =
                Party.ofBaggage(
                        said.cluster(),
                        said.namespace(),
                        said.workloadName(),
                        said.service(),
                        said.version(),
                        said.region(),
                        said.zone());
        // The far end is known by its workload's name only, so that is what access lines show.
        return party.named(party.workload());
    }

    /// The inner stream as a leg; when it ends, the inner tunnel ends with it.
    Leg leg(TunnelStream stream) {
        return new StreamLeg(stream, stream.tunnel()::drain);
    }

    void close() {
        if (channel != null) {
            channel.close();
        }
    }
}
