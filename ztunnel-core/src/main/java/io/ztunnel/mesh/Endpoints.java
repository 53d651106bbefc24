package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/// All workloads behind one service, immutable; one more or one less costs O(log n).
///
/// Unhealthy ones are kept too and left out when choosing, so that a change of the health policy
/// takes effect at once in both directions (docs/spec/control-plane.md 4.3 admits them for good or
/// never).
public final class Endpoints {
    static final Endpoints NONE = new Endpoints(EndpointOrder.BY_UID, false, new EndpointGroup[0]);

    /// What a choice is for (docs/spec/control-plane.md 4.7).
    public enum Purpose {
        /// Traffic of users: the service must define the port.
        STANDARD,
        /// Network gateways: likewise, but they are meant to be on another network.
        GATEWAY,
        /// Waypoints: a service without the port may name workloads with an application tunnel.
        WAYPOINT
    }

    private final EndpointOrder order;
    private final boolean networkFirst;
    private final EndpointGroup[] groups;

    private Endpoints(EndpointOrder order, boolean networkFirst, EndpointGroup[] groups) {
        this.order = order;
        this.networkFirst = networkFirst;
        this.groups = groups;
    }

    Endpoints with(Workload workload, PortMap ports) {
        EndpointGroup wanted = EndpointGroup.none(workload, ports);
        int at = indexOf(wanted);
        EndpointGroup[] changed =
                at < 0 ? Arrays.copyOf(groups, groups.length + 1) : groups.clone();
        EndpointGroup group = at < 0 ? wanted : groups[at];
        changed[at < 0 ? groups.length : at] =
                group.with(EndpointTree.with(group.members(), workload, order));
        return new Endpoints(order, networkFirst, changed);
    }

    Endpoints without(Workload workload, PortMap ports) {
        int at = indexOf(EndpointGroup.none(workload, ports));
        if (at < 0) {
            return this;
        }
        EndpointTree rest = EndpointTree.without(groups[at].members(), workload, order);
        if (rest != null) {
            EndpointGroup[] changed = groups.clone();
            changed[at] = groups[at].with(rest);
            return new Endpoints(order, networkFirst, changed);
        }
        EndpointGroup[] fewer = Arrays.copyOf(groups, groups.length - 1);
        System.arraycopy(groups, at + 1, fewer, at, fewer.length - at);
        return new Endpoints(order, networkFirst, fewer);
    }

    /// Sorted for another load balancer; linear, but only where the scopes really change.
    Endpoints sortedFor(@Nullable LoadBalancer loadBalancer) {
        List<LoadBalancer.Scope> scopes =
                loadBalancer == null ? List.of() : loadBalancer.routingPreferences();
        boolean first = !scopes.isEmpty() && scopes.getFirst() == LoadBalancer.Scope.NETWORK;
        EndpointOrder wanted =
                new EndpointOrder(List.copyOf(first ? scopes.subList(1, scopes.size()) : scopes));
        if (first == networkFirst && wanted.equals(order)) {
            return this;
        }
        EndpointGroup[] sorted = groups.clone();
        for (int i = 0; i < sorted.length; i++) {
            List<Workload> members = new ArrayList<>();
            EndpointTree.forEach(groups[i].members(), members::add);
            EndpointTree tree = null;
            for (Workload member : members) {
                tree = EndpointTree.with(tree, member, wanted);
            }
            sorted[i] = groups[i].with(tree);
        }
        return new Endpoints(wanted, first, sorted);
    }

    private int indexOf(EndpointGroup wanted) {
        for (int i = 0; i < groups.length; i++) {
            if (groups[i].fits(wanted)) {
                return i;
            }
        }
        return -1;
    }

    /// How many there are, unhealthy ones included.
    public int size() {
        int size = 0;
        for (EndpointGroup group : groups) {
            size += EndpointTree.size(group.members());
        }
        return size;
    }

    public boolean isEmpty() {
        return groups.length == 0;
    }

    /// Every endpoint, unhealthy ones included, in no particular order.
    public void forEach(Consumer<? super Endpoint> action) {
        for (EndpointGroup group : groups) {
            EndpointTree.forEach(
                    group.members(),
                    member ->
                            action.accept(
                                    new Endpoint(member.uid(), group.ports(), group.healthy())));
        }
    }

    /// The workloads that the health policy of the service admits.
    public void forEachAdmitted(Service service, Consumer<? super Workload> action) {
        for (EndpointGroup group : groups) {
            if (group.healthy() || service.admitsUnhealthy()) {
                EndpointTree.forEach(group.members(), action);
            }
        }
    }

    /// Draws one eligible endpoint of the best rank by capacity (docs/spec/control-plane.md 4.7;
    /// docs/spec/dataplane.md 2.3 step 3). Endpoints on another network that have no gateway are
    /// not eligible: choosing one could only fail.
    ///
    /// @return null where no endpoint is eligible or all eligible ones have capacity 0
    public @Nullable Workload draw(
            Service service, Workload client, int port, Purpose purpose, RandomGenerator dice) {
        int target = service.ports().targetOf(port);
        if (target < 0 && purpose != Purpose.WAYPOINT) {
            return null;
        }
        LoadBalancer balancer = service.loadBalancer();
        boolean scoped = balancer != null && balancer.usesScopes();
        boolean strict = balancer != null && balancer.mode() == LoadBalancer.Mode.STRICT;
        int scopes = order.depth();
        int bestRank = -1;
        int bestDepth = 0;
        long sum = 0;
        EndpointTree chosen = null;
        for (EndpointGroup group : groups) {
            EndpointTree members = group.members();
            if (members == null || !eligible(group, service, client, port, target, purpose)) {
                continue;
            }
            int depth = scoped ? members.closest(client, order) : 0;
            boolean near = !networkFirst || group.network().equals(client.network());
            if (strict && (depth < scopes || !near)) {
                continue;
            }
            // A common network outweighs all other scopes, but only where it is preferred first.
            int rank = scoped && networkFirst && near ? scopes + 1 + depth : depth;
            if (rank < bestRank) {
                continue;
            }
            long weight = members.weight(client, order, depth);
            if (rank > bestRank) {
                bestRank = rank;
                bestDepth = depth;
                sum = weight;
                chosen = weight > 0 ? members : null;
            } else if (weight > 0) {
                sum += weight;
                // One pass over groups of equal rank: each ends up chosen in proportion.
                chosen = chosen == null || dice.nextLong(sum) < weight ? members : chosen;
            }
        }
        if (chosen == null) {
            return null;
        }
        long weight = chosen.weight(client, order, bestDepth);
        return chosen.at(weight == 1 ? 0 : dice.nextLong(weight), client, order, bestDepth);
    }

    private static boolean eligible(
            EndpointGroup group,
            Service service,
            Workload client,
            int port,
            int target,
            Purpose purpose) {
        if (!group.healthy() && !service.admitsUnhealthy()) {
            return false;
        }
        if (purpose != Purpose.WAYPOINT && target == 0 && group.ports().targetOf(port) < 0) {
            return false;
        }
        if (purpose == Purpose.WAYPOINT && target < 0 && !group.tunnel()) {
            return false;
        }
        boolean direct = purpose == Purpose.GATEWAY || group.network().equals(client.network());
        return direct ? group.located() : group.gateway();
    }
}
