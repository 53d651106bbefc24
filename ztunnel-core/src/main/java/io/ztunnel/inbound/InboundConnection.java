package io.ztunnel.inbound;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ConnectTimeoutException;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;
import io.ztunnel.net.SocketFailure;
import io.ztunnel.observe.ConnectionRecord;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Outcome;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.policy.ConnectionFacts;
import io.ztunnel.policy.PolicyVerdict;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.relay.Relay;
import io.ztunnel.relay.RelayEnd;
import io.ztunnel.relay.TcpLeg;
import io.ztunnel.route.Authority;
import io.ztunnel.route.Refusal;
import io.ztunnel.worker.LiveConnection;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.function.Supplier;

/// Walks one arrived connection, stream or socket, through judging, dialing and relaying.
///
/// It is entered in the table before it is judged, so a policy that changes in between finds it
/// there. Confined to the worker's loop.
final class InboundConnection extends LiveConnection {

    /// Where the connection came from: what it takes to say yes or no to it.
    interface Origin {

        /// Says yes; the bytes begin.
        Leg accept();

        /// Says no. A socket has no way to tell the status.
        void refuse(int status);

        /// Calls back when the peer leaves before it has its answer.
        void whenAbandoned(Runnable action);

        /// The connection has ended, however it did.
        default void ended() {}

        /// The tunnel's requests that it is one of; null for a socket of its own.
        default @Nullable TunnelRequests tunnel() {
            return null;
        }
    }

    /// What the stages found out before the connection is judged.
    ///
    /// @param local the pod's workload, as policies judge it
    /// @param target where the application listens
    /// @param spoofed the source address the application shall see, null for our own
    /// @param preamble what goes to the application before the bytes, null for nothing
    /// @param forwardedHost the service the client's proxy says it addressed
    record Plan(
            Workload local,
            ConnectionFacts facts,
            InetSocketAddress source,
            InetSocketAddress target,
            @Nullable InetAddress spoofed,
            @Nullable Supplier<ByteBuf> preamble,
            @Nullable String forwardedHost) {}

    /// Stands for the policy where there are only ALLOW policies in dry run and none matched.
    private static final String NO_ALLOW_MATCHED = "none allowed";

    private final Inbound stage;
    private final Origin origin;
    private final Plan plan;
    private final ConnectionRecord record;
    private @Nullable Channel application;
    private @Nullable Relay relay;
    private @Nullable PolicyVerdict changed;
    private boolean over;

    private InboundConnection(Inbound stage, Origin origin, Plan plan, ConnectionRecord record) {
        this.stage = stage;
        this.origin = origin;
        this.plan = plan;
        this.record = record;
    }

    static void begin(Inbound stage, Origin origin, Plan plan, ConnectionRecord record) {
        InboundConnection connection = new InboundConnection(stage, origin, plan, record);
        stage.slice().inbound().add(connection);
        PolicyVerdict verdict = connection.judge();
        PolicyLog.tell(verdict, stage.settings().policyInfo());
        connection.count(verdict);
        if (!verdict.allows()) {
            origin.refuse(Refusal.POLICY_DENIED.status());
            connection.end(
                    Outcome.failed(ResponseFlag.DENY, Refusal.POLICY_DENIED.about(verdict.text())));
            return;
        }
        connection.dial();
    }

    private PolicyVerdict judge() {
        // The pod's own list of policies may have changed since the connection came.
        Workload now = stage.slice().local().find();
        return stage.judge()
                .judge(
                        stage.slice().worker().mesh().policies(),
                        now == null ? plan.local() : now,
                        plan.facts());
    }

    /// Once for each connection, however often it is judged again.
    private void count(PolicyVerdict verdict) {
        Observer observer = stage.slice().worker().observer();
        PolicyVerdict.DryRun dryRun = verdict.dryRun();
        dryRun.denied().forEach(key -> observer.dryRun(key, false));
        dryRun.allowed().forEach(key -> observer.dryRun(key, true));
        if (dryRun.noneAllowed()) {
            observer.dryRun(NO_ALLOW_MATCHED, false);
        }
        if (!verdict.unknownPolicies().isEmpty()) {
            observer.unknownPolicy();
        }
    }

    /// Judges again; a connection that is no longer allowed ends.
    void rejudge() {
        if (over) {
            return;
        }
        PolicyVerdict verdict = judge();
        if (!verdict.allows()) {
            PolicyLog.closed(plan, verdict);
            changed = verdict;
            cut(Cut.POLICY_CHANGE);
        }
    }

    /// What the connection came through; null without a tunnel.
    @Nullable TunnelRequests tunnel() {
        return origin.tunnel();
    }

    private void dial() {
        origin.whenAbandoned(this::abandoned);
        if (over) {
            return;
        }
        ChannelFuture connecting =
                stage.dialer()
                        .connect(
                                plan.target(),
                                plan.spoofed(),
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.config().setAutoRead(false);
                                    }
                                });
        Channel channel = connecting.channel();
        application = channel;
        ReceiveSizes.of(channel);
        connecting.addListener(
                connected -> {
                    if (over) {
                        channel.close();
                    } else if (connected.isSuccess()) {
                        deliver(channel);
                    } else {
                        origin.refuse(Refusal.UPSTREAM_UNREACHABLE.status());
                        end(
                                Outcome.failed(
                                        ResponseFlag.CONNECT,
                                        Refusal.UPSTREAM_UNREACHABLE.about(
                                                text(connected.cause()))));
                    }
                });
    }

    private void deliver(Channel channel) {
        TcpLeg server = TcpLeg.on(channel, stage.slice().admission().buffers());
        Leg client = origin.accept();
        if (plan.preamble() != null) {
            server.write(plan.preamble().get());
            server.flush();
        }
        relay = Relay.start(client, server, record, this::relayed);
    }

    private void relayed(RelayEnd how) {
        end(
                switch (how) {
                    case RelayEnd.BothFinished _ -> Outcome.ok();
                    case RelayEnd.Failed failed ->
                            Outcome.failed(ResponseFlag.CONNECT, failed.text());
                });
    }

    private void abandoned() {
        if (!over) {
            if (application != null) {
                application.close();
            }
            end(Outcome.ok());
        }
    }

    private void end(Outcome outcome) {
        over = true;
        record.close(outcome);
        origin.ended();
        stage.slice().inbound().remove(this);
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
            if (application != null) {
                application.close();
            }
            origin.refuse(
                    reason == Cut.POLICY_CHANGE
                            ? Refusal.POLICY_CHANGED.status()
                            : Refusal.UPSTREAM_UNREACHABLE.status());
        }
        end(
                switch (reason) {
                    case DRAIN, IDLE, HALF_CLOSED, GONE -> reason.outcome(relay);
                    case POLICY_CHANGE ->
                            Outcome.failed(
                                    ResponseFlag.DENY,
                                    Refusal.POLICY_CHANGED.sentence()
                                            + (changed == null ? "" : ": " + changed.text()));
                    case REVOKED ->
                            Outcome.failed(
                                    ResponseFlag.CERT_REVOKED,
                                    "connection closed: peer certificate revoked by CRL");
                    case EXPIRED ->
                            Outcome.failed(
                                    ResponseFlag.TLS_FAILURE,
                                    "connection closed: certificate expired");
                });
    }

    @Override
    public Port port() {
        return plan.facts().identity() == null ? Port.PLAINTEXT : Port.TUNNELLED;
    }

    @Override
    public @Nullable Relay relay() {
        return relay;
    }

    @Override
    public long moved() {
        return record.clientToServerBytes() + record.serverToClientBytes();
    }

    @Override
    public Row row() {
        return new Row(
                text(plan.source()),
                plan.forwardedHost(),
                text(plan.target()),
                plan.facts().identity() == null ? "TCP" : "HBONE");
    }

    private static String text(InetSocketAddress address) {
        return Authority.of(IpAddress.of(address.getAddress()), address.getPort()).toString();
    }

    private static String text(Throwable cause) {
        return cause instanceof ConnectTimeoutException
                ? "deadline has elapsed"
                : SocketFailure.textOf(cause);
    }
}
