package io.ztunnel.xds;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.Node;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
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
    private final Set<String> rejected = new HashSet<>();
    private boolean sweeping;
    private boolean synced;
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

    boolean synced() {
        return synced;
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
                new LazyBatch<>(
                        response, type(), sweeping ? retained.names() : Set.of(), keeper != null);
        List<Rejection> refused = takeOver(response, batch);
        if (keeper != null && synced) {
            keeper.keep(type().typeUrl(), changesOf(response, batch, refused));
        }
        valueBytes += batch.valueBytes();
        rejections += refused.size();
        nacks += refused.isEmpty() ? 0 : 1;
        return refused;
    }

    /// Takes over what an earlier process had received, as if it came from the control plane now.
    void restore(DeltaResponse kept) {
        takeOver(kept, new LazyBatch<>(kept, type(), Set.of(), false));
    }

    private List<Rejection> takeOver(DeltaResponse response, LazyBatch<T> batch) {
        List<Rejection> refused = new ArrayList<>();
        try {
            refused.addAll(subscription.sink().apply(batch));
            if (!batch.walked()) {
                throw new IllegalStateException("the sink left a part of the response unread");
            }
            refused.addAll(0, batch.undecodable());
            sweeping = false;
            synced = true;
            settle(response, batch, refused);
        } catch (RuntimeException bug) {
            // A fault of this program must not take the stream down: the next push may be fine.
            log.error("a response of {} could not be applied", type(), bug);
            refused.add(new Rejection(type().toString(), "internal error: " + bug));
            batch.offered().forEach(offered -> rejected.add(offered.name()));
        }
        return refused;
    }

    private Map<String, byte @Nullable []> changesOf(
            DeltaResponse response, LazyBatch<T> batch, List<Rejection> refused) {
        Map<String, byte @Nullable []> changes = new HashMap<>();
        for (LazyBatch.Offered offered : batch.offered()) {
            changes.put(offered.name(), offered.encoded());
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
        rejected.addAll(names);
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
                rejected.stream().limit(MOST_REJECTED_NAMED).sorted().toList(),
                rejected.size(),
                retained.names().size(),
                Duration.ofNanos(nowNanos - lastResponseNanos),
                sweeps,
                demands.pendingKeys().size());
    }
}
