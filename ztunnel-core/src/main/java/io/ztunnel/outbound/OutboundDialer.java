package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ConnectTimeoutException;
import io.ztunnel.hbone.ConnectRequest;
import io.ztunnel.hbone.OpenFailure;
import io.ztunnel.hbone.OpenListener;
import io.ztunnel.hbone.Opening;
import io.ztunnel.hbone.TunnelStream;
import io.ztunnel.hbone.header.Forwarded;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.net.SocketFailure;
import io.ztunnel.observe.ConnectionDescription;
import io.ztunnel.observe.Party;
import io.ztunnel.observe.Reporter;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.observe.ServiceRef;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.relay.StreamLeg;
import io.ztunnel.relay.TcpLeg;
import io.ztunnel.route.Authority;
import io.ztunnel.route.Hop;
import io.ztunnel.route.OutboundRequest;
import io.ztunnel.route.OutboundRoute;
import io.ztunnel.route.Refusal;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;

/// Carries a route out: reaches the next hop and hands back a leg.
///
/// One for each attempt of a connection. Confined to the worker's loop.
final class OutboundDialer {

    /// What becomes of an attempt; exactly one of reached and failed, unless it was abandoned.
    interface Result {

        /// Where the attempt leads is known, and telemetry may say so.
        void onDescribed(ConnectionDescription description, String protocol);

        void onReached(Leg hop);

        void onFailed(DialFailure failure);

        /// The route turned out to lead nowhere before anything was dialed.
        void onRefused(String text);
    }

    private final Outbound stage;
    private final OutboundRequest request;
    private final InetSocketAddress source;
    private final SpiffeId identity;
    private final String traceparent;
    private final Result result;
    private boolean abandoned;
    private @Nullable Runnable undo;

    OutboundDialer(
            Outbound stage,
            OutboundRequest request,
            InetSocketAddress source,
            String traceparent,
            Result result) {
        this.stage = stage;
        this.request = request;
        this.source = source;
        this.identity = stage.slice().local().identity(request.source());
        this.traceparent = traceparent;
        this.result = result;
    }

    void dial(OutboundRoute route) {
        switch (route) {
            case OutboundRoute.Passthrough it -> plain(route, address(it.ip(), it.port()));
            case OutboundRoute.Plain it -> plain(route, address(it.hop()));
            case OutboundRoute.Tunnel it -> tunnel(it);
            case OutboundRoute.NestedTunnel it -> nested(it);
            case OutboundRoute.NeedsDns it -> resolve(it);
            case OutboundRoute.Refused it -> result.onRefused(it.text());
            case OutboundRoute.NeedsLookup _ ->
                    throw new IllegalStateException("lookups come before dialing");
        }
    }

    /// Gives the attempt up: the client is gone. Nobody is called back any more.
    void abandon() {
        abandoned = true;
        if (undo != null) {
            undo.run();
        }
    }

    private void resolve(OutboundRoute.NeedsDns route) {
        stage.names()
                .resolve(
                        new NameResolver.Query(
                                route.workload().hostname(),
                                route.like().isV6(),
                                stage.slice().local().party(),
                                identity),
                        stage.slice().worker().loop(),
                        found -> {
                            if (abandoned) {
                                return;
                            }
                            if (found == null) {
                                result.onRefused(
                                        Refusal.NO_ADDRESS_RESOLVED.about(route.workload().uid()));
                            } else {
                                dial(route.at(found));
                            }
                        });
    }

    private void plain(OutboundRoute route, InetSocketAddress target) {
        describe(route, target, null, false);
        ChannelFuture connecting =
                stage.dialer()
                        .connect(
                                target,
                                null,
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.config().setAutoRead(false);
                                    }
                                });
        Channel channel = connecting.channel();
        ReceiveSizes.of(channel);
        undo = channel::close;
        connecting.addListener(
                connected -> {
                    if (abandoned) {
                        channel.close();
                    } else if (connected.isSuccess()) {
                        result.onReached(TcpLeg.on(channel, stage.slice().admission().buffers()));
                    } else {
                        result.onFailed(
                                new DialFailure(
                                        ResponseFlag.CONNECT,
                                        "io error: " + connectText(connected.cause()),
                                        DialFailure.Fault.HOP));
                    }
                });
    }

    private void tunnel(OutboundRoute.Tunnel route) {
        String authority = route.authority().toString();
        describe(route, address(route.hop()), authority, true);
        undo =
                open(
                        key(route.hop()),
                        connect(authority, route.service(), null),
                        new Answer() {
                            @Override
                            public void onOpen(TunnelStream stream) {
                                result.onReached(new StreamLeg(stream));
                            }
                        });
    }

    /// The outer tunnel is shared, the inner one is this connection's own, so that the far gateway
    /// can balance (docs/spec/dataplane.md 2.5). The record opens when the inner peer has answered:
    /// only then is it known who the destination is.
    private void nested(OutboundRoute.NestedTunnel route) {
        String authority = route.authority().toString();
        Answer outer =
                new Answer() {
                    @Override
                    public void onOpen(TunnelStream stream) {
                        NestedTunnel inner =
                                new NestedTunnel(stage, identity, route.innerIdentities());
                        undo = inner::close;
                        inner.open(
                                stream,
                                connect(authority, route.service(), stage.settings().network()),
                                innerAnswer(route, authority, inner));
                    }

                    @Override
                    void failed(DialFailure failure) {
                        describe(route, address(route.gateway()), authority, true);
                        super.failed(failure);
                    }
                };
        undo = open(key(route.gateway()), connect(authority, route.service(), null), outer);
    }

    private NestedTunnel.Result innerAnswer(
            OutboundRoute.NestedTunnel route, String authority, NestedTunnel inner) {
        return new NestedTunnel.Result() {
            @Override
            public void onOpen(TunnelStream stream, @Nullable SpiffeId peer, Party destination) {
                if (abandoned) {
                    inner.close();
                    return;
                }
                opened(
                        new ConnectionDescription(
                                Reporter.SOURCE,
                                source,
                                stage.slice().local().party(),
                                identity,
                                address(route.gateway()),
                                authority,
                                ServiceRef.of(route.service()),
                                destination,
                                peer,
                                true),
                        "DOUBLEHBONE");
                result.onReached(inner.leg(stream));
            }

            @Override
            public void onFailed(DialFailure failure) {
                if (!abandoned) {
                    describe(route, address(route.gateway()), authority, true);
                    result.onFailed(failure);
                }
            }
        };
    }

    private TunnelKey key(Hop hop) {
        return new TunnelKey(identity, hop.identities(), address(hop), request.sourceIp());
    }

    private Runnable open(TunnelKey key, ConnectRequest connect, OpenListener listener) {
        Opening opening = stage.tunnels().open(key, connect, listener);
        return opening::cancel;
    }

    private ConnectRequest connect(
            String authority, @Nullable Service service, @Nullable String network) {
        return connect(
                authority, stage.slice().local().baggage(), source, service, traceparent, network);
    }

    /// The headers of a CONNECT (docs/spec/dataplane.md 2.4).
    ///
    /// @param network for the inner of two tunnels only: our own network
    static ConnectRequest connect(
            String authority,
            String baggage,
            InetSocketAddress source,
            @Nullable Service service,
            String traceparent,
            @Nullable String network) {
        return new ConnectRequest(
                authority,
                baggage,
                new Forwarded(text(source), service == null ? null : service.hostname()).write(),
                traceparent,
                network);
    }

    private void describe(
            OutboundRoute route,
            InetSocketAddress hop,
            @Nullable String authority,
            boolean mutualTls) {
        Service service = route.service();
        var workload = route.destination();
        opened(
                new ConnectionDescription(
                        Reporter.SOURCE,
                        source,
                        stage.slice().local().party(),
                        mutualTls ? identity : null,
                        hop,
                        authority,
                        service == null ? null : ServiceRef.of(service),
                        stage.slice().worker().party(workload),
                        null,
                        mutualTls),
                route instanceof OutboundRoute.NestedTunnel
                        ? "DOUBLEHBONE"
                        : mutualTls ? "HBONE" : "TCP");
    }

    private void opened(ConnectionDescription description, String protocol) {
        result.onDescribed(description, protocol);
    }

    private static String text(InetSocketAddress address) {
        return Authority.of(IpAddress.of(address.getAddress()), address.getPort()).toString();
    }

    private static String connectText(Throwable cause) {
        return cause instanceof ConnectTimeoutException
                ? "deadline has elapsed"
                : SocketFailure.textOf(cause);
    }

    private static InetSocketAddress address(Hop hop) {
        return address(hop.ip(), hop.port());
    }

    private static InetSocketAddress address(IpAddress ip, int port) {
        return new InetSocketAddress(ip.toInetAddress(), port);
    }

    /// What a tunnel answered to a CONNECT, in the words of the access log.
    private abstract class Answer implements OpenListener {
        @Override
        public void onFailure(OpenFailure failure) {
            if (!abandoned) {
                failed(DialFailure.of(failure));
            }
        }

        void failed(DialFailure failure) {
            result.onFailed(failure);
        }
    }
}
