package io.ztunnel.inbound;

import io.netty.buffer.ByteBufAllocator;
import io.ztunnel.hbone.ConnectHandler;
import io.ztunnel.hbone.IncomingConnect;
import io.ztunnel.hbone.header.Baggage;
import io.ztunnel.hbone.header.Forwarded;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.ConnectionDescription;
import io.ztunnel.observe.ConnectionRecord;
import io.ztunnel.observe.Party;
import io.ztunnel.observe.Reporter;
import io.ztunnel.observe.ServiceRef;
import io.ztunnel.policy.ConnectionFacts;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.StreamLeg;
import io.ztunnel.route.Authority;
import io.ztunnel.route.DestinationService;
import io.ztunnel.route.InboundRequest;
import io.ztunnel.route.InboundRoute;
import io.ztunnel.route.Refusal;
import io.ztunnel.worker.Admission;
import io.ztunnel.worker.WorkerBudget.Kind;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/// The requests of one tunnel, checked in the order of docs/spec/dataplane.md 3.2.
///
/// Confined to the worker's loop.
final class TunnelRequests implements ConnectHandler {
    private final Inbound stage;
    private final InboundPeer peer;
    private Runnable whenClosed = () -> {};

    TunnelRequests(Inbound stage, InboundPeer peer) {
        this.stage = stage;
        this.peer = peer;
    }

    void whenClosed(Runnable action) {
        whenClosed = action;
    }

    @Override
    public void onConnect(IncomingConnect request) {
        if (!request.method().equals("CONNECT")) {
            refuse(request, Refusal.NOT_CONNECT, Refusal.NOT_CONNECT.about(request.method()));
            return;
        }
        String authority = request.authority() == null ? "" : request.authority();
        if (Authority.parseOrNull(authority) == null) {
            refuse(request, Refusal.BAD_AUTHORITY, Refusal.BAD_AUTHORITY.about(authority));
            return;
        }
        long startNanos = stage.slice().worker().observer().nanoTime();
        stage.slice().local().whenKnown(local -> route(request, authority, local, startNanos));
    }

    @Override
    public void onTunnelClosed(@Nullable Throwable cause) {
        whenClosed.run();
    }

    private void route(
            IncomingConnect request, String authority, @Nullable Workload local, long startNanos) {
        if (local == null) {
            refuse(request, Refusal.LOCAL_WORKLOAD_UNKNOWN, stage.slice().local().unknownText());
            return;
        }
        MeshSnapshot mesh = stage.slice().worker().mesh().mesh();
        IpAddress accepted = IpAddress.of(peer.destination().getAddress());
        switch (stage.router().route(mesh, new InboundRequest(local, accepted, authority))) {
            case InboundRoute.Refused it -> refuse(request, it.reason(), it.text());
            case InboundRoute.Deliver it -> deliver(request, authority, local, it, startNanos);
        }
    }

    private void deliver(
            IncomingConnect request,
            String authority,
            Workload local,
            InboundRoute.Deliver to,
            long startNanos) {
        Admission admission = stage.slice().admission();
        if (!admission.take(Kind.SOCKETS, 1)) {
            // No line for each of them: the admission tells once for all.
            request.refuse(Refusal.UPSTREAM_UNREACHABLE.status());
            return;
        }
        String host = Forwarded.parse(request.first("forwarded")).host();
        IpAddress source = IpAddress.of(peer.source().getAddress());
        Authority.Address announce = to.announce();
        InboundConnection.Plan plan =
                new InboundConnection.Plan(
                        local,
                        new ConnectionFacts(peer.identity(), source, to.ip(), to.port()),
                        peer.source(),
                        new InetSocketAddress(
                                to.loopback() ? loopback(to.ip()) : to.ip().toInetAddress(),
                                to.port()),
                        stage.settings().keepSource() && !to.loopback()
                                ? peer.source().getAddress()
                                : null,
                        announce == null
                                ? null
                                : () ->
                                        ProxyPreamble.write(
                                                ByteBufAllocator.DEFAULT,
                                                source,
                                                peer.source().getPort(),
                                                announce.ip(),
                                                announce.port(),
                                                peer.identity()),
                        host);
        ConnectionRecord record =
                stage.slice()
                        .worker()
                        .observer()
                        .open(describe(request, authority, local, to, host), startNanos);
        InboundConnection.begin(stage, new Stream(request), plan, record);
    }

    private ConnectionDescription describe(
            IncomingConnect request,
            String authority,
            Workload local,
            InboundRoute.Deliver to,
            @Nullable String host) {
        MeshSnapshot mesh = stage.slice().worker().mesh().mesh();
        Service service = DestinationService.guess(mesh, local, to.service(), host, to.port());
        return new ConnectionDescription(
                Reporter.DESTINATION,
                peer.source(),
                sourceParty(request, mesh),
                peer.identity(),
                peer.destination(),
                authority,
                service == null ? null : ServiceRef.of(service),
                stage.slice().local().party(),
                stage.slice().local().identity(local),
                true);
    }

    /// Whom the client is called in telemetry: what the control plane knows of its address goes
    /// before its own words, unless it came through a gateway, whose address says nothing.
    private Party sourceParty(IncomingConnect request, MeshSnapshot mesh) {
        Party said = Party.unknown();
        if (stage.settings().baggage() && request.baggage() != null) {
            Baggage baggage = Baggage.parse(request.baggage());
            said =
                    Party.ofBaggage(
                            baggage.cluster(),
                            baggage.namespace(),
                            baggage.workloadName(),
                            baggage.service(),
                            baggage.version(),
                            baggage.region(),
                            baggage.zone());
            String network = request.first("x-forwarded-network");
            if (network != null && !network.equalsIgnoreCase(stage.settings().network())) {
                return said;
            }
        }
        Workload known =
                mesh.workloadByAddress(
                        stage.settings().network(), IpAddress.of(peer.source().getAddress()));
        return known == null ? said : stage.slice().worker().party(known).completedBy(said);
    }

    private void refuse(IncomingConnect request, Refusal reason, String error) {
        request.refuse(reason.status());
        stage.slice()
                .worker()
                .observer()
                .denied(peer.source(), peer.destination(), "inbound", error);
    }

    private static InetAddress loopback(IpAddress like) {
        return IpAddress.parse(like.isV6() ? "::1" : "127.0.0.1").toInetAddress();
    }

    /// A stream as the origin of a connection.
    private final class Stream implements InboundConnection.Origin {
        private final IncomingConnect request;

        Stream(IncomingConnect request) {
            this.request = request;
        }

        @Override
        public Leg accept() {
            return new StreamLeg(
                    request.accept(
                            stage.settings().baggage() ? stage.slice().local().baggage() : null));
        }

        @Override
        public void refuse(int status) {
            request.refuse(status);
        }

        @Override
        public TunnelRequests tunnel() {
            return TunnelRequests.this;
        }

        @Override
        public void whenAbandoned(Runnable action) {
            request.onAbandoned(action);
        }

        @Override
        public void ended() {
            stage.slice().admission().give(Kind.SOCKETS, 1);
        }
    }
}
