package io.ztunnel.outbound;

import io.netty.channel.Channel;
import io.ztunnel.hbone.header.TraceParent;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;
import io.ztunnel.net.OriginalDestination;
import io.ztunnel.observe.ConnectionRecord;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Outcome;
import io.ztunnel.observe.Reporter;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.Relay;
import io.ztunnel.relay.RelayEnd;
import io.ztunnel.relay.TcpLeg;
import io.ztunnel.route.Authority;
import io.ztunnel.route.OutboundRequest;
import io.ztunnel.worker.LiveConnection;
import io.ztunnel.worker.Worker;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;

/// Walks one connection from the pod through its stages: destination, workload, route, hop, relay.
///
/// Knows the phase and holds no rules. No byte of the client is read before the hop is reached, so
/// the kernel's buffer is the queue. Confined to the worker's loop.
final class OutboundConnection extends LiveConnection implements OutboundDialer.Result {
    private final Outbound stage;
    private final TcpLeg client;
    private final InetSocketAddress source;
    private final InetSocketAddress target;
    private final long startNanos;
    private @Nullable OutboundDialer dial;
    private @Nullable ConnectionRecord record;
    private @Nullable Relay relay;
    private String protocol = "TCP";
    private String nextHop;
    private boolean over;

    private OutboundConnection(Outbound stage, Channel accepted) {
        this.stage = stage;
        this.startNanos = stage.slice().worker().observer().nanoTime();
        this.client = TcpLeg.on(accepted, stage.slice().admission().buffers());
        this.source = (InetSocketAddress) accepted.remoteAddress();
        this.target = OriginalDestination.of(accepted);
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
        new OutboundConnection(stage, accepted).resolve();
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
        Worker worker = stage.slice().worker();
        dial =
                new OutboundDialer(
                        stage, request, source, startNanos, TraceParent.random().write(), this);
        dial.dial(stage.router().route(worker.mesh().mesh(), request, worker.dice()));
    }

    @Override
    public void onRefused(String text) {
        deny(text);
    }

    @Override
    public void onDescribed(ConnectionRecord opened, String protocol, String nextHop) {
        this.record = opened;
        this.protocol = protocol;
        this.nextHop = nextHop;
    }

    @Override
    public void onReached(Leg hop) {
        if (over || record == null) {
            hop.close();
            return;
        }
        relay = Relay.start(client, hop, record, this::relayed);
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
            if (dial != null) {
                dial.abandon();
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
            if (dial != null) {
                dial.abandon();
            }
            client.close();
        }
        end(
                reason == Cut.REVOKED
                        ? Outcome.failed(
                                ResponseFlag.CERT_REVOKED,
                                "connection closed: peer certificate revoked by CRL")
                        : reason.outcome(relay));
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
