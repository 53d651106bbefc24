package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.random.RandomGenerator;

/// A draw that passes over some endpoints, by the same ranks and weights as the plain one of
/// [Endpoints].
///
/// Usually few are passed over, so it draws again when it hits one; after some misses it takes the
/// first that is left, which costs one step for each that is passed over. Where all endpoints of a
/// rank are, the next rank is looked at, unless the load balancer is strict. No list is made.
///
/// One for each draw that needs it, on the stack of the caller where the compiler sees to it.
final class DrawAround {
    /// With half of all endpoints passed over, one draw in 256 misses as often as this.
    private static final int DRAWS = 8;

    private final Endpoints endpoints;
    private final Service service;
    private final Workload client;
    private final int port;
    private final Endpoints.Purpose purpose;
    private final Avoided avoided;

    DrawAround(
            Endpoints endpoints,
            Service service,
            Workload client,
            int port,
            Endpoints.Purpose purpose,
            Avoided avoided) {
        this.endpoints = endpoints;
        this.service = service;
        this.client = client;
        this.port = port;
        this.purpose = purpose;
        this.avoided = avoided;
    }

    @Nullable Workload draw(RandomGenerator dice) {
        LoadBalancer balancer = service.loadBalancer();
        boolean strict = balancer != null && balancer.mode() == LoadBalancer.Mode.STRICT;
        int rank = bestBelow(Integer.MAX_VALUE);
        while (rank >= 0 && (!strict || rank == endpoints.fullRank())) {
            Workload found = at(rank, dice);
            if (found != null) {
                return found;
            }
            rank = bestBelow(rank);
        }
        return null;
    }

    private int bestBelow(int limit) {
        int best = -1;
        for (int i = 0; i < endpoints.groupCount(); i++) {
            EndpointGroup group = endpoints.group(i);
            if (endpoints.eligible(group, service, client, port, purpose)) {
                best = Math.max(best, endpoints.rankBelow(limit, group, service, client));
            }
        }
        return best;
    }

    private @Nullable Workload at(int rank, RandomGenerator dice) {
        long sum = 0;
        for (int i = 0; i < endpoints.groupCount(); i++) {
            sum += weight(endpoints.group(i), rank);
        }
        if (sum == 0) {
            return null;
        }
        for (int draws = 0; draws < DRAWS; draws++) {
            long at = dice.nextLong(sum);
            for (int i = 0; i < endpoints.groupCount(); i++) {
                EndpointGroup group = endpoints.group(i);
                long weight = weight(group, rank);
                if (at < weight) {
                    int depth = endpoints.depthOf(rank, group, client);
                    Workload drawn = group.members().draw(client, depth, weight, dice);
                    if (!avoided.contains(drawn, target(group))) {
                        return drawn;
                    }
                    break;
                }
                at -= weight;
            }
        }
        for (int i = 0; i < endpoints.groupCount(); i++) {
            EndpointGroup group = endpoints.group(i);
            if (weight(group, rank) > 0) {
                int depth = endpoints.depthOf(rank, group, client);
                Workload left = group.members().firstNotIn(avoided, target(group), client, depth);
                if (left != null) {
                    return left;
                }
            }
        }
        return null;
    }

    /// What those of a group weigh that have this rank, or a better one that is exhausted.
    private long weight(EndpointGroup group, int rank) {
        return endpoints.eligible(group, service, client, port, purpose)
                        && endpoints.rankBelow(rank + 1, group, service, client) == rank
                ? group.members().weight(client, endpoints.depthOf(rank, group, client))
                : 0;
    }

    private int target(EndpointGroup group) {
        int own = group.ports().targetOf(port);
        int declared = service.ports().targetOf(port);
        return own > 0 ? own : declared > 0 ? declared : port;
    }
}
