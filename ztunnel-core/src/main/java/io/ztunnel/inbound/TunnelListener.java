package io.ztunnel.inbound;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslHandler;
import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.TunnelServer;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.identity.Priority;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Reporter;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.tls.CredentialsEnded;
import io.ztunnel.tls.Handshake;
import io.ztunnel.tls.PeerIdentity;
import io.ztunnel.tls.Standing;
import io.ztunnel.worker.LiveConnection.Cut;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.WorkerBudget.Kind;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import javax.net.ssl.SSLException;

/// Takes sockets on port 15008 and makes tunnels of them: own certificate, TLS handshake, HTTP/2.
///
/// A peer that has not proven who it is costs one socket, for as long as the handshake may take.
/// Confined to the worker's loop.
final class TunnelListener implements PodSlice.Part {
    private static final Logger LOG = LoggerFactory.getLogger(TunnelListener.class);

    private final Inbound stage;
    private final Set<Channel> accepted = new HashSet<>();
    private final Map<Tunnel, TunnelRequests> tunnels = new HashMap<>();

    TunnelListener(Inbound stage) {
        this.stage = stage;
    }

    void onAccepted(Channel channel) {
        if (channel.remoteAddress() == null) {
            channel.close();
            return;
        }
        if (!stage.slice().admission().take(Kind.HANDSHAKES, 1)) {
            channel.close();
            return;
        }
        Observer observer = stage.slice().worker().observer();
        observer.socketOpened(Reporter.DESTINATION);
        accepted.add(channel);
        Arrival arrival = new Arrival(channel);
        channel.closeFuture()
                .addListener(
                        closed -> {
                            observer.socketClosed(Reporter.DESTINATION);
                            accepted.remove(channel);
                            arrival.settled();
                            stage.slice().mayBeQuiet();
                        });
        arrival.begin();
    }

    @Override
    public void drain() {
        // Sockets without a tunnel hold the drain until their handshake ends or times out.
        tunnels.keySet().forEach(Tunnel::drain);
    }

    @Override
    public void close() {
        Set.copyOf(tunnels.keySet()).forEach(Tunnel::shutdown);
        Set.copyOf(accepted).stream()
                .filter(channel -> channel.pipeline().get(SslHandler.class) == null)
                .forEach(Channel::close);
    }

    @Override
    public boolean isQuiet() {
        return accepted.isEmpty();
    }

    /// A tunnel whose peer has lost its certificate ends with all its connections, each of which
    /// says why. One pass over the connections, however many tunnels end.
    @Override
    public void inspectTunnels() {
        Map<TunnelRequests, CredentialsEnded> ended = new HashMap<>();
        Map<Tunnel, CredentialsEnded> closing = new HashMap<>();
        tunnels.forEach(
                (tunnel, requests) -> {
                    switch (stage.tls().standing(tunnel.channel(), stage.certificates())) {
                        case Standing.Firm _ -> {}
                        case Standing.Leaving _ -> tunnel.drain();
                        case Standing.Ended end -> {
                            ended.put(requests, end.cause());
                            closing.put(tunnel, end.cause());
                        }
                    }
                });
        if (ended.isEmpty()) {
            return;
        }
        stage.slice()
                .inbound()
                .forEach(
                        connection -> {
                            TunnelRequests through = ((InboundConnection) connection).tunnel();
                            CredentialsEnded cause = through == null ? null : ended.get(through);
                            if (cause != null) {
                                connection.cut(cause.revoked() ? Cut.REVOKED : Cut.EXPIRED);
                            }
                        });
        closing.forEach(TunnelListener::end);
    }

    private static void end(Tunnel tunnel, CredentialsEnded cause) {
        LOG.atWarn()
                .addKeyValue("src.addr", tunnel.channel().remoteAddress())
                .addKeyValue("direction", "inbound")
                .log("tunnel closed: {}", cause.detail());
        tunnel.close(cause);
    }

    /// One socket on its way to a tunnel.
    private final class Arrival implements CertificateSource.Receiver, Handshake.Listener {
        private final Channel channel;
        private final InetSocketAddress source;
        private final InetSocketAddress destination;
        private boolean settled;

        Arrival(Channel channel) {
            this.channel = channel;
            this.source = (InetSocketAddress) channel.remoteAddress();
            this.destination = (InetSocketAddress) channel.localAddress();
        }

        /// The handshake is over, one way or the other.
        void settled() {
            if (!settled) {
                settled = true;
                stage.slice().admission().give(Kind.HANDSHAKES, 1);
            }
        }

        void begin() {
            stage.slice().local().whenKnown(this::onWorkload);
        }

        private void onWorkload(@Nullable Workload local) {
            if (local == null) {
                fail("signing error: " + stage.slice().local().unknownText());
                return;
            }
            stage.certificates()
                    .request(
                            stage.slice().local().identity(local),
                            Priority.REALTIME,
                            channel.eventLoop(),
                            this);
        }

        @Override
        public void onCertificate(HeldCertificate certificate) {
            if (!channel.isActive()) {
                return;
            }
            SslHandler handler;
            try {
                handler = stage.tls().server(certificate, channel.alloc());
            } catch (SSLException unusable) {
                fail("ssl error: " + unusable.getMessage());
                return;
            }
            ReceiveSizes.of(channel);
            // A tunnel has no halves: its end is the end of all its streams.
            channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false);
            Handshake.on(channel, handler, this);
            channel.config().setAutoRead(true);
        }

        @Override
        public void onFailure(String text) {
            fail("signing error: " + text);
        }

        @Override
        public void onFailed(String reason) {
            fail("tls handshake error: " + reason);
        }

        @Override
        public void onSecured(PeerIdentity peer) {
            settled();
            InboundPeer arrived = new InboundPeer(source, destination, peer.identity());
            TunnelRequests requests = new TunnelRequests(stage, arrived);
            Tunnel tunnel =
                    TunnelServer.install(
                            channel,
                            stage.tunnelSettings(),
                            stage.slice().admission().buffers(),
                            requests);
            tunnels.put(tunnel, requests);
            requests.whenClosed(() -> tunnels.remove(tunnel));
            stage.slice()
                    .worker()
                    .observer()
                    .tunnelSecured(
                            Reporter.DESTINATION, peer.version(), peer.cipher(), peer.group());
            if (stage.slice().isDraining()) {
                tunnel.drain();
            }
            // Lists that came into force while the handshake was under way.
            if (stage.tls().standing(channel, stage.certificates())
                    instanceof Standing.Ended ended) {
                end(tunnel, ended.cause());
            }
        }

        private void fail(String error) {
            if (channel.isOpen()) {
                channel.close();
            }
            stage.slice().worker().observer().denied(source, destination, "inbound", error);
        }
    }
}
