package io.ztunnel.mesh;

import java.util.List;

/// The order of the endpoints of one service: by the scopes of its load balancer, then by uid.
/// Endpoints that have the same leading scopes in common with a client are then neighbours, so that
/// "the best group for this client" is a range of a sorted tree.
///
/// @param scopes in the order of preference
record EndpointOrder(List<LoadBalancer.Scope> scopes) {
    static final EndpointOrder BY_UID = new EndpointOrder(List.of());

    int depth() {
        return scopes.size();
    }

    int compare(Workload left, Workload right) {
        int byScope = comparePrefix(left, right, scopes.size());
        return byScope != 0 ? byScope : left.uid().compareTo(right.uid());
    }

    /// Compares by the first `depth` scopes only.
    int comparePrefix(Workload left, Workload right, int depth) {
        for (int i = 0; i < depth; i++) {
            String one = value(left, scopes.get(i));
            String other = value(right, scopes.get(i));
            if (!one.equals(other)) {
                return one.compareTo(other);
            }
        }
        return 0;
    }

    /// How many leading scopes are equal; two empty values are equal too.
    int common(Workload left, Workload right) {
        int depth = 0;
        while (depth < scopes.size()
                && value(left, scopes.get(depth)).equals(value(right, scopes.get(depth)))) {
            depth++;
        }
        return depth;
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
