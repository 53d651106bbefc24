package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.header.TraceParent;
import io.ztunnel.mesh.Avoided;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;
import io.ztunnel.net.OriginalDestination;
import io.ztunnel.observe.ConnectionDescription;
import io.ztunnel.observe.ConnectionRecord;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Outcome;
import io.ztunnel.observe.Reporter;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.Relay;
import io.ztunnel.relay.RelayEnd;
import io.ztunnel.relay.StreamLeg;
import io.ztunnel.relay.TcpLeg;
import io.ztunnel.route.Authority;
import io.ztunnel.route.Experience;
import io.ztunnel.route.OutboundRequest;
import io.ztunnel.route.OutboundRoute;
import io.ztunnel.route.Refusal;
import io.ztunnel.worker.LiveConnection;
import io.ztunnel.worker.Worker;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.Set;

/// Walks one connection from the pod through its stages: destination, workload, route, hop, relay.
///
/// Knows the phase and holds no rules. No byte of the client is read before the hop is reached, so
/// the kernel's buffer is the queue. Confined to the worker's loop.
final class OutboundConnection extends LiveConnection implements Attempts.Result {
    /// An address, its waypoint, a gateway of that, and one more that changed meanwhile.
    private static final int MOST_LOOKUPS = 4;

    private final Outbound stage;
    private final TcpLeg client;
    private final InetSocketAddress source;
    private final InetSocketAddress target;
    private final long startNanos;
    private @Nullable Attempts attempts;
    private @Nullable ConnectionRecord record;
    private @Nullable Relay relay;
    private @Nullable Leg hop;
    private String protocol = "TCP";
    private String nextHop;
    private boolean over;

    private OutboundConnection(Outbound stage, Channel accepted, InetSocketAddress target) {
        this.stage = stage;
        this.startNanos = stage.slice().worker().observer().nanoTime();
        this.client = TcpLeg.on(accepted, stage.slice().admission().buffers());
        this.source = (InetSocketAddress) accepted.remoteAddress();
        this.target = target;
        this.nextHop = text(target);
    }

    /// Takes an accepted socket; from here on the connection looks after itself.
    static void begin(Outbound stage, Channel accepted) {
        if (accepted.remoteAddress() == null) {
            accepted.close();
            return;
        }
        Observer observer = stage.slice().worker().observer();
        observer.socketOpened(Reporter.SOURCE);
        accepted.closeFuture().addListener(closed -> observer.socketClosed(Reporter.SOURCE));
        begin(stage, accepted, OriginalDestination.of(accepted));
    }

    /// The same for a socket that has been counted and that has said itself where it wants to go.
    static void begin(Outbound stage, Channel accepted, InetSocketAddress target) {
        new OutboundConnection(stage, accepted, target).resolve();
    }

    private void resolve() {
        if (target.getAddress().isLoopbackAddress()
                && stage.settings().illegalPorts().contains(target.getPort())) {
            deny("attempted recursive call to ourselves");
            return;
        }
        stage.slice().outbound().add(this);
        client.whenGoneEarly(this::clientLeft);
        stage.slice().local().whenKnown(this::plan);
    }

    private void plan(@Nullable Workload local) {
        if (over) {
            return;
        }
        if (local == null) {
            deny(stage.slice().local().unknownText());
            return;
        }
        OutboundRequest request =
                new OutboundRequest(
                        local,
                        IpAddress.of(source.getAddress()),
                        IpAddress.of(target.getAddress()),
                        target.getPort());
        decide(request, Set.of());
    }

    /// @param asked what the control plane has said all it knows of
    private void decide(OutboundRequest request, Set<String> asked) {
        Worker worker = stage.slice().worker();
        boolean careful = !worker.avoided().isEmpty();
        Experience experience =
                careful || !asked.isEmpty()
                        ? new Experience(
                                Avoided.NOBODY, careful ? worker.avoided() : Avoided.NOBODY, asked)
                        : Experience.NONE;
        OutboundRoute route =
                stage.router().route(worker.mesh().mesh(), request, experience, worker.dice());
        if (route instanceof OutboundRoute.NeedsLookup(var key)) {
            lookUp(request, key, asked);
            return;
        }
        attempts = new Attempts(stage, request, source, route, TraceParent.random().write(), this);
        attempts.begin();
    }

    private void lookUp(OutboundRequest request, String key, Set<String> asked) {
        Worker worker = stage.slice().worker();
        if (asked.size() >= MOST_LOOKUPS) {
            deny(Refusal.LOOKUP_UNANSWERED.about(key));
            return;
        }
        stage.lookups()
                .lookUp(key)
                .whenComplete(
                        (answered, failure) ->
                                worker.loop()
                                        .execute(
                                                () ->
                                                        lookedUp(
                                                                request,
                                                                key,
                                                                asked,
                                                                failure == null && answered)));
    }

    /// Without an answer nobody knows whether the address is in the mesh, and what belongs into a
    /// tunnel must not go out in the open.
    private void lookedUp(
            OutboundRequest request, String key, Set<String> asked, boolean answered) {
        if (over) {
            return;
        }
        if (!answered) {
            deny(Refusal.LOOKUP_UNANSWERED.about(key));
            return;
        }
        Set<String> more = new HashSet<>(asked);
        more.add(key);
        decide(request, more);
    }

    @Override
    public void onRefused(String text) {
        deny(text);
    }

    @Override
    public void onDescribed(ConnectionDescription description, String protocol) {
        if (record == null) {
            record = stage.slice().worker().observer().open(description, startNanos);
        } else {
            record.moveTo(description);
        }
        this.protocol = protocol;
        this.nextHop = text(description.destination());
    }

    @Override
    public void onRetry(DialFailure failure) {
        if (record != null) {
            record.retry(failure.flag());
        }
    }

    @Override
    public void onReached(Leg hop) {
        // Connections live long, and what it took to reach the hop is of no use any more.
        attempts = null;
        if (over || record == null) {
            hop.close();
            return;
        }
        this.hop = hop;
        relay = Relay.start(client, hop, record, this::relayed);
    }

    /// Whether the bytes go through a tunnel, or through one inside of it.
    boolean isCarriedBy(Tunnel tunnel) {
        if (!(hop instanceof StreamLeg stream)) {
            return false;
        }
        for (Channel at = stream.tunnel().channel(); at != null; at = at.parent()) {
            if (at == tunnel.channel()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void onFailed(DialFailure failure) {
        if (!over) {
            client.refuse();
            end(Outcome.failed(failure.flag(), failure.text()));
        }
    }

    private void relayed(RelayEnd how) {
        end(
                switch (how) {
                    case RelayEnd.BothFinished _ -> Outcome.ok();
                    case RelayEnd.Failed failed ->
                            Outcome.failed(ResponseFlag.CONNECT, failed.text());
                });
    }

    private void clientLeft() {
        if (!over) {
            if (attempts != null) {
                attempts.abandon();
            }
            end(Outcome.ok());
        }
    }

    private void deny(String error) {
        over = true;
        client.refuse();
        stage.slice().worker().observer().denied(source, target, "outbound", error);
        leave();
    }

    private void end(Outcome outcome) {
        over = true;
        if (record != null) {
            record.close(outcome);
        }
        leave();
    }

    private void leave() {
        stage.slice().outbound().remove(this);
        stage.slice().mayBeQuiet();
    }

    @Override
    public void cut(Cut reason) {
        if (over) {
            return;
        }
        if (relay != null) {
            relay.cut();
        } else {
            if (attempts != null) {
                attempts.abandon();
            }
            client.close();
        }
        end(
                switch (reason) {
                    case REVOKED ->
                            Outcome.failed(
                                    ResponseFlag.CERT_REVOKED,
                                    "connection closed: peer certificate revoked by CRL");
                    case EXPIRED ->
                            Outcome.failed(
                                    ResponseFlag.TLS_FAILURE,
                                    "connection closed: certificate expired");
                    default -> reason.outcome(relay);
                });
    }

    @Override
    public Port port() {
        return Port.OUTBOUND;
    }

    @Override
    public @Nullable Relay relay() {
        return relay;
    }

    @Override
    public long moved() {
        return record == null ? 0 : record.clientToServerBytes() + record.serverToClientBytes();
    }

    @Override
    public Row row() {
        return new Row(text(source), text(target), nextHop, protocol);
    }

    private static String text(InetSocketAddress address) {
        return Authority.of(IpAddress.of(address.getAddress()), address.getPort()).toString();
    }
}
