package io.ztunnel.mesh;

import io.ztunnel.mesh.persistent.WeightedTree;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/// Endpoints that are alike, sorted by where they are: first by the scopes of the service's load
/// balancer, then by uid. Endpoints that have the same leading scopes in common with a client are
/// neighbours, so "the nearest to this client" is a range, found in O(log places); the draw from it
/// takes O(log endpoints) more. Immutable.
///
/// @param scopes in the order of preference
record Places(List<LoadBalancer.Scope> scopes, @Nullable WeightedTree<Place> tree)
        implements WeightedTree.Range<Places.Place, Workload> {

    /// One combination of scope values and the workloads there.
    record Place(List<String> values, @Nullable WeightedTree<Workload> members) {}

    private static final WeightedTree.Order<Workload> BY_UID =
            new WeightedTree.Order<>() {
                @Override
                public int compare(Workload left, Workload right) {
                    return left.uid().compareTo(right.uid());
                }

                @Override
                public long weight(Workload workload) {
                    return Integer.toUnsignedLong(workload.capacity());
                }
            };

    private static final WeightedTree.Order<Place> BY_VALUES =
            new WeightedTree.Order<>() {
                @Override
                public int compare(Place left, Place right) {
                    for (int i = 0; i < left.values.size(); i++) {
                        int side = left.values.get(i).compareTo(right.values.get(i));
                        if (side != 0) {
                            return side;
                        }
                    }
                    return 0;
                }

                @Override
                public long weight(Place place) {
                    return WeightedTree.weight(place.members, BY_UID);
                }
            };

    Places with(Workload workload) {
        Place place = placeOf(workload);
        WeightedTree<Workload> members = WeightedTree.with(place.members, workload, BY_UID);
        Place changed = new Place(place.values, members);
        return new Places(scopes, WeightedTree.with(tree, changed, BY_VALUES));
    }

    Places without(Workload workload) {
        Place place = placeOf(workload);
        WeightedTree<Workload> rest = WeightedTree.without(place.members, workload, BY_UID);
        return new Places(
                scopes,
                rest == null
                        ? WeightedTree.without(tree, place, BY_VALUES)
                        : WeightedTree.with(tree, new Place(place.values, rest), BY_VALUES));
    }

    private Place placeOf(Workload workload) {
        String[] values = new String[scopes.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(workload, scopes.get(i));
        }
        Place wanted = new Place(List.of(values), null);
        Place known = WeightedTree.get(tree, wanted, BY_VALUES);
        return known == null ? wanted : known;
    }

    boolean isEmpty() {
        return tree == null;
    }

    int size() {
        int[] size = new int[1];
        WeightedTree.forEach(tree, place -> size[0] += WeightedTree.size(place.members));
        return size[0];
    }

    void forEach(Consumer<? super Workload> action) {
        WeightedTree.forEach(tree, place -> WeightedTree.forEach(place.members, action));
    }

    /// How many leading scopes the nearest endpoints here have in common with the client. Two empty
    /// values are equal.
    int closest(Workload client) {
        for (int depth = scopes.size(); depth > 0; depth--) {
            if (WeightedTree.contains(tree, this, client, depth)) {
                return depth;
            }
        }
        return 0;
    }

    /// The capacities of all endpoints with the first `depth` scopes of the client, summed up.
    long weight(Workload client, int depth) {
        if (depth == 0) {
            return WeightedTree.weight(tree, BY_VALUES);
        }
        return WeightedTree.belowEndOf(tree, this, client, depth, BY_VALUES)
                - WeightedTree.below(tree, this, client, depth, BY_VALUES);
    }

    /// Draws from a range.
    ///
    /// @param weight what [#weight] says of the range, not 0
    Workload draw(Workload client, int depth, long weight, RandomGenerator dice) {
        long from = depth == 0 ? 0 : WeightedTree.below(tree, this, client, depth, BY_VALUES);
        if (tree == null || weight == 0) {
            throw new IllegalStateException("nothing to draw from");
        }
        // The place by its weight, then the endpoint within it: the same odds as in one step.
        Place place = WeightedTree.at(tree, from + dice.nextLong(weight), BY_VALUES);
        if (place.members == null) {
            throw new IllegalStateException("a place without endpoints has no weight");
        }
        return WeightedTree.at(place.members, dice.nextLong(BY_VALUES.weight(place)), BY_UID);
    }

    /// The first endpoint with the first `depth` scopes of the client that is not passed over.
    @Nullable Workload firstNotIn(Avoided avoided, int port, Workload client, int depth) {
        return WeightedTree.first(
                tree,
                place ->
                        side(place, client, depth) != 0
                                ? null
                                : WeightedTree.first(
                                        place.members,
                                        one -> avoided.contains(one, port) ? null : one,
                                        BY_UID),
                BY_VALUES);
    }

    /// Where a place lies as seen from those that share the first `depth` scopes with a client.
    @Override
    public int side(Place place, Workload client, int depth) {
        for (int i = 0; i < depth; i++) {
            String there = place.values.get(i);
            String here = value(client, scopes.get(i));
            if (!there.equals(here)) {
                return there.compareTo(here);
            }
        }
        return 0;
    }

    private static String value(Workload workload, LoadBalancer.Scope scope) {
        return switch (scope) {
            case REGION -> workload.locality().region();
            case ZONE -> workload.locality().zone();
            case SUBZONE -> workload.locality().subzone();
            case NODE -> workload.node();
            case CLUSTER -> workload.clusterId();
            case NETWORK -> workload.network();
        };
    }
}
