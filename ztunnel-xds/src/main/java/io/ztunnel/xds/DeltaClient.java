package io.ztunnel.xds;

import static java.util.Objects.requireNonNull;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.Node;
import io.ztunnel.xds.proto.discovery.Status;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// A subscriber to delta xDS (docs/spec/control-plane.md 2): keeps one stream to the control plane,
/// for as long as it is not closed, through any kind of failure.
///
/// What was received stays in force while there is no stream. Each new stream claims what is held,
/// so that only differences come; where such a claim would be too large, the first answer is taken
/// as the complete picture and what it lacks is removed in the same batch.
///
/// Confined to the owner thread of its [Clockwork]; the public methods may be called from any
/// thread and hop there.
public final class DeltaClient implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DeltaClient.class);

    /// Stands in for the stream until the transport has handed it out.
    private static final DeltaStream NOT_YET =
            new DeltaStream() {
                @Override
                public void send(DeltaDiscoveryRequest request) {}

                @Override
                public void cancel(String reason) {}
            };

    private final XdsSettings settings;
    private final DeltaTransport transport;
    private final Node node;
    private final Clockwork clockwork;
    private final Map<String, SubscriptionState<?>> types = new LinkedHashMap<>();
    private final @Nullable LastKnownGood keeper;
    private final BackOff backOff;
    private final CompletableFuture<Void> synced = new CompletableFuture<>();
    private final Map<StreamEnd.Reason, Long> terminations = new EnumMap<>(StreamEnd.Reason.class);

    private XdsStats.StreamState state = XdsStats.StreamState.IDLE;
    private long stateSince;
    private @Nullable Attempt attempt;
    private @Nullable Future<?> nextAttempt;
    private Duration delay = Duration.ZERO;
    private long largestClaim;
    private long streamsOpened;
    private long unknownTypeResponses;
    private String lastEnd = "";

    /// Whether what was kept counts as an answer: the control plane had its chance.
    private boolean believesKept;

    /// @param subscriptions in the order in which they are requested: one per type
    public DeltaClient(
            XdsSettings settings,
            DeltaTransport transport,
            NodeDescription node,
            List<Subscription<?>> subscriptions,
            Clockwork clockwork) {
        this(settings, transport, node, subscriptions, clockwork, null);
    }

    /// @param keeper keeps what is received for the next process, and has what the last one kept
    public DeltaClient(
            XdsSettings settings,
            DeltaTransport transport,
            NodeDescription node,
            List<Subscription<?>> subscriptions,
            Clockwork clockwork,
            @Nullable LastKnownGood keeper) {
        this.keeper = keeper;
        this.settings = settings;
        this.transport = transport;
        this.node = node.toMessage();
        this.clockwork = clockwork;
        this.backOff = new BackOff(settings.reconnect(), clockwork.dice());
        this.largestClaim = settings.largestClaimBytes();
        this.stateSince = now();
        for (Subscription<?> subscription : subscriptions) {
            types.put(subscription.type().typeUrl(), stateOf(subscription));
        }
    }

    private <T> SubscriptionState<T> stateOf(Subscription<T> subscription) {
        String typeUrl = subscription.type().typeUrl();
        Demands demands = new Demands(clockwork, settings.lookups(), requestsFor(typeUrl));
        return new SubscriptionState<>(subscription, demands, keeper, now());
    }

    private Demands.Requests requestsFor(String typeUrl) {
        return new Demands.Requests() {
            @Override
            public void subscribe(String key) {
                send(DeltaDiscoveryRequest.newBuilder().addResourceNamesSubscribe(key));
            }

            @Override
            public void unsubscribe(String key) {
                send(DeltaDiscoveryRequest.newBuilder().addResourceNamesUnsubscribe(key));
            }

            private void send(DeltaDiscoveryRequest.Builder request) {
                if (attempt != null) {
                    attempt.stream.send(request.setTypeUrl(typeUrl).build());
                }
            }
        };
    }

    /// Begins; a second call has no effect.
    public void start() {
        clockwork
                .owner()
                .execute(
                        () -> {
                            if (state == XdsStats.StreamState.IDLE) {
                                restore();
                                connect();
                            }
                        });
    }

    /// Completes on the owner thread once each wildcard type has had a first response processed,
    /// with or without rejections: a bad resource is reported, it keeps nobody from starting. What
    /// an earlier process kept stands in for a response once a stream has failed or the control
    /// plane took too long.
    public CompletableFuture<Void> synced() {
        return synced.copy();
    }

    /// Asks for one key of an on-demand type: a resource name or an alias of it.
    ///
    /// Completes on the owner thread after the answer is in force, or when it is known that there
    /// is none, or after the lookup timeout. Lookups of one key share one request.
    ///
    /// @throws IllegalArgumentException if the type was not subscribed on demand
    public CompletableFuture<LookupEnd> lookUp(ResourceType<?> type, String key) {
        @Nullable SubscriptionState<?> asked = types.get(type.typeUrl());
        if (asked == null || asked.wildcard()) {
            throw new IllegalArgumentException(type + " is not subscribed on demand");
        }
        CompletableFuture<LookupEnd> end = new CompletableFuture<>();
        clockwork
                .owner()
                .execute(
                        () -> {
                            if (state == XdsStats.StreamState.CLOSED) {
                                end.complete(LookupEnd.TIMED_OUT);
                            } else {
                                asked.demands().demand(key).thenAccept(end::complete);
                            }
                        });
        return end;
    }

    /// The present numbers, answered by the owner thread.
    public CompletableFuture<XdsStats> stats() {
        return CompletableFuture.supplyAsync(this::present, clockwork.owner());
    }

    private XdsStats present() {
        long now = now();
        return new XdsStats(
                state,
                Duration.ofNanos(now - stateSince),
                streamsOpened,
                delay,
                lastEnd,
                Map.copyOf(terminations),
                unknownTypeResponses,
                types.values().stream().map(type -> type.stats(now)).toList(),
                keeper == null ? null : keeper.stats());
    }

    /// Ends the stream for good and lets all lookups return. What was received stays with the
    /// sinks.
    @Override
    public void close() {
        clockwork
                .owner()
                .execute(
                        () -> {
                            enter(XdsStats.StreamState.CLOSED);
                            if (nextAttempt != null) {
                                nextAttempt.cancel(false);
                            }
                            if (attempt != null) {
                                attempt.giveUp("the client is closed");
                                attempt = null;
                            }
                            types.values().forEach(type -> type.demands().close());
                        });
    }

    private void restore() {
        if (keeper != null) {
            keeper.restore(types.keySet())
                    .forEach((typeUrl, kept) -> requireNonNull(types.get(typeUrl)).restore(kept));
            clockwork
                    .owner()
                    .schedule(
                            this::believeKept, keeper.serveAfter().toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private void believeKept() {
        believesKept = true;
        checkSynced();
    }

    private void connect() {
        if (state == XdsStats.StreamState.CLOSED) {
            return;
        }
        enter(XdsStats.StreamState.CONNECTING);
        streamsOpened++;
        attempt = new Attempt();
        attempt.begin();
    }

    private void onStreamEnd(StreamEnd end, Duration lasted) {
        attempt = null;
        types.values().forEach(SubscriptionState::onStreamEnd);
        terminations.merge(end.reason(), 1L, Long::sum);
        lastEnd = end.toString();
        delay = backOff.after(lasted);
        log.warn("the stream to the control plane ended ({}), next in {}", end, delay);
        enter(XdsStats.StreamState.BACKING_OFF);
        believeKept();
        nextAttempt =
                clockwork.owner().schedule(this::connect, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void onResponse(DeltaResponse response, DeltaStream stream) {
        DeltaDiscoveryRequest.Builder answer =
                DeltaDiscoveryRequest.newBuilder()
                        .setTypeUrl(response.typeUrl())
                        .setResponseNonce(response.nonce());
        @Nullable SubscriptionState<?> type = types.get(response.typeUrl());
        if (type == null) {
            // Acknowledged as the reference does: a NACK would only repeat with every push.
            unknownTypeResponses++;
            log.warn("a response of a type nobody subscribed to: {}", response.typeUrl());
        } else {
            List<Rejection> rejections = type.apply(response, now());
            if (!rejections.isEmpty()) {
                String text = NackText.of(rejections);
                log.error("refused of {}: {}", type.type(), text);
                // The code stays 0: istiod looks at the presence and the text alone.
                answer.setErrorDetail(Status.newBuilder().setMessage(text));
            }
        }
        stream.send(answer.build());
        if (keeper != null) {
            keeper.confirm();
        }
        checkSynced();
    }

    private void checkSynced() {
        boolean all =
                types.values().stream()
                        .allMatch(
                                each ->
                                        each.synced()
                                                || !each.wildcard()
                                                || (believesKept && each.restored()));
        if (all && !synced.isDone()) {
            if (!types.values().stream().allMatch(each -> each.synced() || !each.wildcard())) {
                log.warn("serves what was kept: the control plane has not answered yet");
            }
            synced.complete(null);
        }
    }

    private void enter(XdsStats.StreamState next) {
        state = next;
        stateSince = now();
    }

    private long now() {
        return clockwork.nanoTime().getAsLong();
    }

    /// One stream, from the first packet to its end. An attempt that is over stays silent.
    private final class Attempt implements DeltaEvents {
        private DeltaStream stream = NOT_YET;
        private @Nullable Future<?> silence;
        private boolean over;
        private long openedAt;
        private boolean opened;
        private boolean responded;
        private long claimed;

        void begin() {
            stream = transport.open(this);
            silence =
                    clockwork
                            .owner()
                            .schedule(
                                    this::onSilence,
                                    settings.answerWithin().toNanos(),
                                    TimeUnit.NANOSECONDS);
            // All at once: the server answers each type by itself, in any order.
            for (SubscriptionState<?> type : types.values()) {
                for (DeltaDiscoveryRequest request : type.opening(node, largestClaim)) {
                    claimed = Math.max(claimed, request.getSerializedSize());
                    stream.send(request);
                }
            }
        }

        private void onSilence() {
            if (!over && !opened) {
                stream.cancel("no answer");
                end(StreamEnd.error("no answer within " + settings.answerWithin()));
            }
        }

        @Override
        public void onOpen() {
            if (!over && !opened) {
                opened = true;
                openedAt = now();
                enter(XdsStats.StreamState.STREAMING);
            }
        }

        @Override
        public void onResponse(DeltaResponse response) {
            if (!over) {
                onOpen();
                responded = true;
                DeltaClient.this.onResponse(response, stream);
            }
        }

        @Override
        public void onEnd(StreamEnd end) {
            if (!over) {
                end(end);
            }
        }

        private void end(StreamEnd end) {
            if (end.requestTooLarge() && !responded) {
                // The server's limit is lower than ours; keep clear of it from now on.
                largestClaim = Math.min(largestClaim, claimed / 2);
            }
            stop();
            onStreamEnd(end, opened ? Duration.ofNanos(now() - openedAt) : Duration.ZERO);
        }

        void giveUp(String reason) {
            stream.cancel(reason);
            stop();
        }

        private void stop() {
            over = true;
            if (silence != null) {
                silence.cancel(false);
            }
        }
    }
}
