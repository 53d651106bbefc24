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
    static final Endpoints NONE =
            new Endpoints(new Places(List.of(), null), false, new EndpointGroup[0]);

    /// What a choice is for (docs/spec/control-plane.md 4.7).
    public enum Purpose {
        /// Traffic of users: the service must define the port.
        STANDARD,
        /// Network gateways: likewise, but they are meant to be on another network.
        GATEWAY,
        /// Waypoints: a service without the port may name workloads with an application tunnel.
        WAYPOINT
    }

    /// Places without an endpoint, with the scopes that all groups are sorted by.
    private final Places none;
    private final boolean networkFirst;
    private final EndpointGroup[] groups;

    private Endpoints(Places none, boolean networkFirst, EndpointGroup[] groups) {
        this.none = none;
        this.networkFirst = networkFirst;
        this.groups = groups;
    }

    Endpoints with(Workload workload, PortMap ports) {
        EndpointGroup wanted = EndpointGroup.none(workload, ports, none);
        int at = indexOf(wanted);
        EndpointGroup[] changed =
                at < 0 ? Arrays.copyOf(groups, groups.length + 1) : groups.clone();
        EndpointGroup group = at < 0 ? wanted : groups[at];
        changed[at < 0 ? groups.length : at] = group.with(group.members().with(workload));
        return new Endpoints(none, networkFirst, changed);
    }

    Endpoints without(Workload workload, PortMap ports) {
        int at = indexOf(EndpointGroup.none(workload, ports, none));
        if (at < 0) {
            return this;
        }
        Places rest = groups[at].members().without(workload);
        if (!rest.isEmpty()) {
            EndpointGroup[] changed = groups.clone();
            changed[at] = groups[at].with(rest);
            return new Endpoints(none, networkFirst, changed);
        }
        EndpointGroup[] fewer = Arrays.copyOf(groups, groups.length - 1);
        System.arraycopy(groups, at + 1, fewer, at, fewer.length - at);
        return new Endpoints(none, networkFirst, fewer);
    }

    /// Sorted for another load balancer; linear, but only where the scopes really change.
    Endpoints sortedFor(@Nullable LoadBalancer loadBalancer) {
        List<LoadBalancer.Scope> scopes =
                loadBalancer == null ? List.of() : loadBalancer.routingPreferences();
        boolean first = !scopes.isEmpty() && scopes.getFirst() == LoadBalancer.Scope.NETWORK;
        List<LoadBalancer.Scope> rest =
                List.copyOf(first ? scopes.subList(1, scopes.size()) : scopes);
        if (first == networkFirst && rest.equals(none.scopes())) {
            return this;
        }
        Places wanted = new Places(rest, null);
        EndpointGroup[] sorted = groups.clone();
        for (int i = 0; i < sorted.length; i++) {
            List<Workload> members = new ArrayList<>();
            groups[i].members().forEach(members::add);
            Places places = wanted;
            for (Workload member : members) {
                places = places.with(member);
            }
            sorted[i] = groups[i].with(places);
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
            size += group.members().size();
        }
        return size;
    }

    public boolean isEmpty() {
        return groups.length == 0;
    }

    /// Every endpoint, unhealthy ones included, in no particular order.
    public void forEach(Consumer<? super Endpoint> action) {
        for (EndpointGroup group : groups) {
            group.members()
                    .forEach(
                            member ->
                                    action.accept(
                                            new Endpoint(
                                                    member.uid(), group.ports(), group.healthy())));
        }
    }

    /// The workloads that the health policy of the service admits.
    public void forEachAdmitted(Service service, Consumer<? super Workload> action) {
        for (EndpointGroup group : groups) {
            if (group.healthy() || service.admitsUnhealthy()) {
                group.members().forEach(action);
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
        int scopes = none.scopes().size();
        int bestRank = -1;
        int bestDepth = 0;
        long sum = 0;
        Places chosen = null;
        long chosenWeight = 0;
        for (EndpointGroup group : groups) {
            Places members = group.members();
            if (!eligible(group, service, client, port, target, purpose)) {
                continue;
            }
            int depth = scoped ? members.closest(client) : 0;
            boolean near = !networkFirst || group.network().equals(client.network());
            if (strict && (depth < scopes || !near)) {
                continue;
            }
            // A common network outweighs all other scopes, but only where it is preferred first.
            int rank = scoped && networkFirst && near ? scopes + 1 + depth : depth;
            if (rank < bestRank) {
                continue;
            }
            long weight = members.weight(client, depth);
            if (rank > bestRank) {
                bestRank = rank;
                bestDepth = depth;
                sum = weight;
                chosen = weight > 0 ? members : null;
                chosenWeight = weight;
            } else if (weight > 0) {
                sum += weight;
                // One pass over groups of equal rank: each ends up chosen in proportion.
                if (chosen == null || dice.nextLong(sum) < weight) {
                    chosen = members;
                    chosenWeight = weight;
                }
            }
        }
        return chosen == null ? null : chosen.draw(client, bestDepth, chosenWeight, dice);
    }

    /// As [#draw], but passes over some; where all endpoints of the best rank are passed over, the
    /// next rank is drawn from, unless the load balancer is strict.
    ///
    /// @return null where nobody is left
    public @Nullable Workload drawAround(
            Avoided avoided,
            Service service,
            Workload client,
            int port,
            Purpose purpose,
            RandomGenerator dice) {
        return new DrawAround(this, service, client, port, purpose, avoided).draw(dice);
    }

    int groupCount() {
        return groups.length;
    }

    EndpointGroup group(int index) {
        return groups[index];
    }

    /// The rank of an endpoint that is like the client in every scope.
    int fullRank() {
        int scopes = none.scopes().size();
        return networkFirst ? scopes + 1 + scopes : scopes;
    }

    /// The best rank below a limit that endpoints of a group have for a client; -1 for none.
    int rankBelow(int limit, EndpointGroup group, Service service, Workload client) {
        LoadBalancer balancer = service.loadBalancer();
        if (balancer == null || !balancer.usesScopes()) {
            return limit > 0 ? 0 : -1;
        }
        int least = rankOfNetwork(group, client);
        int rank = Math.min(least + group.members().closest(client), limit - 1);
        return rank < least ? -1 : rank;
    }

    /// How many leading scopes endpoints of a group share with the client at a rank.
    int depthOf(int rank, EndpointGroup group, Workload client) {
        return rank == 0 ? 0 : rank - rankOfNetwork(group, client);
    }

    private int rankOfNetwork(EndpointGroup group, Workload client) {
        return networkFirst && group.network().equals(client.network())
                ? none.scopes().size() + 1
                : 0;
    }

    boolean eligible(
            EndpointGroup group, Service service, Workload client, int port, Purpose purpose) {
        int target = service.ports().targetOf(port);
        return (target >= 0 || purpose == Purpose.WAYPOINT)
                && eligible(group, service, client, port, target, purpose);
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
