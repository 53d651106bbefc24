package io.ztunnel.xds;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.Node;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What the client holds and knows of one resource type.
final class SubscriptionState<T> {
    private static final Logger log = LoggerFactory.getLogger(SubscriptionState.class);
    private static final int MOST_REJECTED_NAMED = 100;

    private final Subscription<T> subscription;
    private final Demands demands;
    private final @Nullable LastKnownGood keeper;
    private final Retained retained = new Retained();
    private final Map<String, String> rejected = new HashMap<>();
    private boolean sweeping;
    private boolean synced;
    private boolean restored;
    private long lastResponseNanos;
    private long responses;
    private long valueBytes;
    private long nacks;
    private long rejections;
    private long sweeps;

    SubscriptionState(
            Subscription<T> subscription,
            Demands demands,
            @Nullable LastKnownGood keeper,
            long nowNanos) {
        this.keeper = keeper;
        this.subscription = subscription;
        this.demands = demands;
        this.lastResponseNanos = nowNanos;
    }

    ResourceType<T> type() {
        return subscription.type();
    }

    boolean wildcard() {
        return subscription.mode() == Subscription.Mode.WILDCARD;
    }

    Demands demands() {
        return demands;
    }

    /// Whether a first response was processed.
    boolean synced() {
        return synced;
    }

    /// Whether what an earlier process kept is in force, or was until something newer came.
    boolean restored() {
        return restored;
    }

    /// What a claim of everything adds to the opening request, in bytes.
    long claimBytes() {
        return retained.claimBytes();
    }

    /// The first requests of this type on a new stream.
    ///
    /// @param largestClaim in bytes; a larger claim is not made. Then a wildcard subscription
    ///     sweeps with the first answer, and an on-demand one subscribes the rest of its names
    ///     piecemeal
    List<DeltaDiscoveryRequest> opening(Node node, long largestClaim) {
        DeltaDiscoveryRequest.Builder first = request().setNode(node);
        if (wildcard()) {
            sweeping = retained.claimBytes() > largestClaim;
            if (sweeping) {
                sweeps++;
            } else {
                first.putAllInitialResourceVersions(retained.versions());
            }
            return List.of(first.build());
        }
        // Subscribed to everything and to nothing: istiod's way to say "names follow".
        first.addResourceNamesSubscribe("*").addResourceNamesUnsubscribe("*");
        List<DeltaDiscoveryRequest> requests = new ArrayList<>();
        DeltaDiscoveryRequest.Builder current = first;
        long room = largestClaim;
        for (Map.Entry<String, String> claim : claimsOnDemand().entrySet()) {
            long size = Retained.claimSize(claim.getKey(), claim.getValue());
            if (size > room && room < largestClaim) {
                requests.add(current.build());
                current = request();
                room = largestClaim;
            }
            room -= size;
            if (requests.isEmpty()) {
                current.putInitialResourceVersions(claim.getKey(), claim.getValue());
            } else {
                current.addResourceNamesSubscribe(claim.getKey());
            }
        }
        requests.add(current.build());
        return requests;
    }

    private Map<String, String> claimsOnDemand() {
        Map<String, String> claims =
                demands.pendingKeys().stream().collect(Collectors.toMap(key -> key, key -> ""));
        claims.putAll(retained.versions());
        return claims;
    }

    private DeltaDiscoveryRequest.Builder request() {
        return DeltaDiscoveryRequest.newBuilder().setTypeUrl(type().typeUrl());
    }

    /// Applies a response in the order that waiting lookups rely on: the state first, then what is
    /// retained, then the lookups (docs/spec/control-plane.md 2.5).
    ///
    /// @return what to answer with a NACK, empty for an ACK
    List<Rejection> apply(DeltaResponse response, long nowNanos) {
        responses++;
        lastResponseNanos = nowNanos;
        LazyBatch<T> batch =
                new LazyBatch<>(response, type(), sweeping ? retained.names() : Set.of(), keeper);
        List<Rejection> refused = new ArrayList<>();
        if (takeOver(response, batch, refused)) {
            sweeping = false;
            synced = true;
            if (keeper != null) {
                keeper.keep(type().typeUrl(), changesOf(response, batch, refused));
            }
        }
        valueBytes += batch.valueBytes();
        rejections += refused.size();
        nacks += refused.isEmpty() ? 0 : 1;
        return refused;
    }

    /// Takes over what an earlier process had received, as if it came from the control plane now.
    void restore(DeltaResponse kept) {
        restored = takeOver(kept, new LazyBatch<>(kept, type(), Set.of(), null), new ArrayList<>());
    }

    /// @param refused gets what was not taken
    /// @return whether the rest is in force
    private boolean takeOver(DeltaResponse response, LazyBatch<T> batch, List<Rejection> refused) {
        try {
            refused.addAll(subscription.sink().apply(batch));
            if (!batch.walked()) {
                throw new IllegalStateException("the sink left a part of the response unread");
            }
            refused.addAll(0, batch.undecodable());
            settle(response, batch, refused);
            return true;
        } catch (RuntimeException bug) {
            // A fault of this program must not take the stream down: the next push may be fine.
            log.error("a response of {} could not be applied", type(), bug);
            refused.add(new Rejection(type().toString(), "internal error: " + bug));
            batch.offered().forEach(offered -> rejected.put(offered.name(), "internal error"));
            return false;
        }
    }

    private Map<String, @Nullable Integer> changesOf(
            DeltaResponse response, LazyBatch<T> batch, List<Rejection> refused) {
        Map<String, @Nullable Integer> changes = new HashMap<>();
        for (LazyBatch.Offered offered : batch.offered()) {
            changes.put(offered.name(), offered.place());
        }
        // What was refused now keeps its previous content in the file as well.
        refused.forEach(rejection -> changes.remove(rejection.name()));
        response.removedNames().forEach(name -> changes.put(name, null));
        batch.swept().forEach(name -> changes.put(name, null));
        return changes;
    }

    private void settle(DeltaResponse response, LazyBatch<T> batch, List<Rejection> refused) {
        Set<String> names = refused.stream().map(Rejection::name).collect(Collectors.toSet());
        for (LazyBatch.Offered offered : batch.offered()) {
            if (!names.contains(offered.name())) {
                retained.put(offered.name(), offered.version());
                rejected.remove(offered.name());
            }
        }
        // A refused resource keeps its old version here, so that a reconnect brings it again.
        refused.forEach(rejection -> rejected.put(rejection.name(), rejection.reason()));
        forgetAll(response.removedNames());
        forgetAll(batch.swept());
        for (LazyBatch.Offered offered : batch.offered()) {
            demands.found(offered.name());
            offered.aliases().forEach(demands::found);
        }
        batch.undecodable().forEach(rejection -> demands.found(rejection.name()));
        response.removedNames().forEach(demands::absent);
    }

    private void forgetAll(List<String> names) {
        for (String name : names) {
            retained.remove(name);
            rejected.remove(name);
        }
    }

    void onStreamEnd() {
        demands.onStreamEnd();
    }

    XdsStats.TypeStats stats(long nowNanos) {
        return new XdsStats.TypeStats(
                type().typeUrl(),
                synced,
                responses,
                valueBytes,
                nacks,
                rejections,
                rejected.entrySet().stream()
                        .limit(MOST_REJECTED_NAMED)
                        .map(entry -> new Rejection(entry.getKey(), entry.getValue()))
                        .sorted(Comparator.comparing(Rejection::name))
                        .toList(),
                rejected.size(),
                retained.names().size(),
                Duration.ofNanos(nowNanos - lastResponseNanos),
                sweeps,
                demands.pendingKeys().size());
    }
}
