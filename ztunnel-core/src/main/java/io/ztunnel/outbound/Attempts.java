package io.ztunnel.outbound;

import io.ztunnel.mesh.Avoided;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.ConnectionDescription;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.relay.Leg;
import io.ztunnel.route.Authority;
import io.ztunnel.route.Experience;
import io.ztunnel.route.Hop;
import io.ztunnel.route.OutboundRequest;
import io.ztunnel.route.OutboundRoute;
import io.ztunnel.worker.AvoidList;
import io.ztunnel.worker.Worker;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// Reaches one endpoint after the other until one answers or the budget is used up
/// (docs/spec/dataplane.md 2.8). Who is next is the router's decision.
///
/// No byte of the client has been read meanwhile, so nothing is ever said twice. One for each
/// connection. Confined to the worker's loop.
final class Attempts implements OutboundDialer.Result {
    private static final Logger LOG = LoggerFactory.getLogger(Attempts.class);

    /// Who hears of it: all that a dialer says, and when somebody else is tried.
    interface Result extends OutboundDialer.Result {
        void onRetry(DialFailure failure);
    }

    private final Outbound stage;
    private final OutboundRequest request;
    private final InetSocketAddress source;
    private final String traceparent;
    private final Result result;
    private final Worker worker;
    private final Tried tried = new Tried();
    private final long begunNanos;
    private OutboundRoute route;
    private @Nullable OutboundDialer dial;
    private @Nullable Future<?> leash;
    private boolean described;
    private boolean abandoned;

    /// @param first the way to try first
    Attempts(
            Outbound stage,
            OutboundRequest request,
            InetSocketAddress source,
            OutboundRoute first,
            String traceparent,
            Result result) {
        this.stage = stage;
        this.request = request;
        this.source = source;
        this.route = first;
        this.traceparent = traceparent;
        this.result = result;
        this.worker = stage.slice().worker();
        this.begunNanos = worker.observer().nanoTime();
    }

    void begin() {
        attempt(route);
    }

    /// Gives up: the client is gone. Nobody is called back any more.
    void abandon() {
        abandoned = true;
        unleash();
        if (dial != null) {
            dial.abandon();
        }
    }

    private void attempt(OutboundRoute next) {
        route = next;
        tried.attempts++;
        unleash();
        if (hasBudget()
                && !stage.settings().retry().attemptTimeout().isZero()
                && !(next instanceof OutboundRoute.Passthrough)) {
            hold();
        }
        OutboundDialer dialer = new OutboundDialer(stage, request, source, traceparent, this);
        dial = dialer;
        dialer.dial(next);
    }

    private void hold() {
        leash =
                worker.loop()
                        .schedule(
                                this::late,
                                stage.settings().retry().attemptTimeout().toNanos(),
                                TimeUnit.NANOSECONDS);
    }

    private void unleash() {
        if (leash != null) {
            leash.cancel(false);
            leash = null;
        }
    }

    /// The endpoint takes its time. It is given up only where there is another.
    private void late() {
        leash = null;
        if (abandoned) {
            return;
        }
        if (awaitsCertificate()) {
            // Not the endpoint's fault.
            hold();
            return;
        }
        DialFailure failure =
                new DialFailure(
                        ResponseFlag.CONNECT,
                        "io error: no answer within "
                                + stage.settings().retry().attemptTimeout().toMillis()
                                + "ms",
                        DialFailure.Fault.HOP);
        tried.add(route, failure.fault());
        OutboundRoute other = hasBudget() ? another() : null;
        if (other != null) {
            if (dial != null) {
                dial.abandon();
            }
            avoid(failure);
            goOn(failure, other);
        }
    }

    private boolean awaitsCertificate() {
        return !(route instanceof OutboundRoute.Plain)
                && stage.certificates().current(stage.slice().local().identity(request.source()))
                        == null;
    }

    private boolean hasBudget() {
        OutboundSettings.Retry budget = stage.settings().retry();
        return tried.attempts < budget.attempts()
                && worker.observer().nanoTime() - begunNanos < budget.window().toNanos();
    }

    private @Nullable OutboundRoute another() {
        AvoidList list = worker.avoided();
        return stage.router()
                .another(
                        worker.mesh().mesh(),
                        request,
                        new Experience(tried, list.isEmpty() ? Avoided.NOBODY : list, Set.of()),
                        worker.dice());
    }

    private void goOn(DialFailure failure, OutboundRoute other) {
        worker.observer().retried(failure.flag());
        LOG.debug("an endpoint failed, another one is tried: {}", failure.text());
        result.onRetry(failure);
        attempt(other);
    }

    /// @return whether somebody else is tried
    private boolean retried(DialFailure failure) {
        tried.add(route, failure.fault());
        avoid(failure);
        boolean elsewhere =
                failure.fault() != DialFailure.Fault.OURS
                        && failure.fault() != DialFailure.Fault.DENIED;
        OutboundRoute other = elsewhere && hasBudget() ? another() : null;
        if (other != null) {
            goOn(failure, other);
        }
        return other != null;
    }

    /// Spares others this endpoint for a while. Whoever addressed a workload itself left no choice,
    /// so then there is nothing to avoid.
    private void avoid(DialFailure failure) {
        boolean unreached = failure.fault() == DialFailure.Fault.HOP;
        switch (route) {
            case OutboundRoute.Plain it when unreached && it.service() != null ->
                    avoid(it.hop().workload(), it.hop().port(), failure);
            case OutboundRoute.Tunnel it when unreached && (it.service() != null || !isEnd(it)) ->
                    avoid(it.hop().workload(), AvoidList.ANY_PORT, failure);
            case OutboundRoute.Tunnel it
                    when failure.fault() == DialFailure.Fault.BEHIND
                            && it.service() != null
                            && isEnd(it) ->
                    avoid(it.hop().workload(), it.authority().port(), failure);
            case OutboundRoute.NestedTunnel it when unreached ->
                    avoid(it.gateway().workload(), AvoidList.ANY_PORT, failure);
            case OutboundRoute.NeedsDns it when unreached ->
                    avoid(it.workload(), AvoidList.ANY_PORT, failure);
            default -> {}
        }
    }

    /// Whether the tunnel ends at the workload it is meant for, not at a waypoint.
    private static boolean isEnd(OutboundRoute.Tunnel route) {
        return route.authority() instanceof Authority.Address address
                && address.ip().equals(route.hop().ip());
    }

    private void avoid(Workload workload, int port, DialFailure failure) {
        Duration held = worker.avoided().add(workload, port, stage.settings().retry().avoid());
        if (!held.isZero()) {
            worker.observer().avoided();
            LOG.info(
                    "endpoint {}{} is avoided for {}ms: {}",
                    workload.uid(),
                    port == AvoidList.ANY_PORT ? "" : ":" + port,
                    held.toMillis(),
                    failure.text());
        }
    }

    @Override
    public void onDescribed(ConnectionDescription description, String protocol) {
        described = true;
        result.onDescribed(description, protocol);
    }

    @Override
    public void onReached(Leg hop) {
        unleash();
        if (tried.attempts > 1) {
            worker.observer().rescued();
        }
        if (!worker.avoided().isEmpty()) {
            forgive();
        }
        result.onReached(hop);
    }

    private void forgive() {
        AvoidList list = worker.avoided();
        switch (route) {
            case OutboundRoute.Plain it -> list.forgive(it.hop().workload(), it.hop().port());
            case OutboundRoute.Tunnel it -> {
                Hop hop = it.hop();
                list.forgive(hop.workload(), isEnd(it) ? it.authority().port() : hop.port());
            }
            case OutboundRoute.NestedTunnel it ->
                    list.forgive(it.gateway().workload(), it.gateway().port());
            case OutboundRoute.NeedsDns it -> list.forgive(it.workload(), AvoidList.ANY_PORT);
            default -> {}
        }
    }

    @Override
    public void onFailed(DialFailure failure) {
        if (!retried(failure)) {
            unleash();
            result.onFailed(failure);
        }
    }

    @Override
    public void onRefused(String text) {
        DialFailure failure =
                new DialFailure(
                        ResponseFlag.CONNECT,
                        text,
                        route instanceof OutboundRoute.NeedsDns
                                ? DialFailure.Fault.HOP
                                : DialFailure.Fault.OURS);
        if (retried(failure)) {
            return;
        }
        unleash();
        if (described) {
            result.onFailed(failure);
        } else {
            result.onRefused(text);
        }
    }

    /// Whom the connection has tried.
    private static final class Tried implements Avoided {
        private String[] uids = {};
        private int attempts;

        /// Behind a gateway somebody else may answer the next time, so the gateway stays.
        void add(OutboundRoute route, DialFailure.Fault fault) {
            Workload workload = route.destination();
            if (workload == null
                    || (route instanceof OutboundRoute.NestedTunnel
                            && fault == DialFailure.Fault.BEHIND)) {
                return;
            }
            uids = Arrays.copyOf(uids, uids.length + 1);
            uids[uids.length - 1] = workload.uid();
        }

        @Override
        public boolean contains(Workload workload, int port) {
            for (String uid : uids) {
                if (uid.equals(workload.uid())) {
                    return true;
                }
            }
            return false;
        }
    }
}
