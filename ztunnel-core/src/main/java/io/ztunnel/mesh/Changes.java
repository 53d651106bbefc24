package io.ztunnel.mesh;

import java.util.HashSet;
import java.util.Set;

/// What one version of the mesh changed against the one before, as far as others act on it.
///
/// @param policies keys of policies that came, changed or went
/// @param localWorkloads uids of workloads of this node that came, changed or went
/// @param reattached uids of workloads of this node whose list of selector policies, namespace or
///     presence changed: live connections to them are to be judged again
/// @param identitiesGained identities of this node that had no workload before
/// @param identitiesLost identities of this node that have no workload any more
public record Changes(
        Set<String> policies,
        Set<String> localWorkloads,
        Set<String> reattached,
        Set<SpiffeId> identitiesGained,
        Set<SpiffeId> identitiesLost) {

    public static final Changes NONE =
            new Changes(Set.of(), Set.of(), Set.of(), Set.of(), Set.of());

    /// Whether live inbound connections have to be judged again.
    public boolean affectsPolicy() {
        return !policies.isEmpty() || !reattached.isEmpty();
    }

    /// This change followed by a later one, for a reader that is behind.
    public Changes and(Changes later) {
        Set<SpiffeId> gained = new HashSet<>(identitiesGained);
        gained.removeAll(later.identitiesLost);
        gained.addAll(later.identitiesGained);
        Set<SpiffeId> lost = new HashSet<>(identitiesLost);
        lost.removeAll(later.identitiesGained);
        lost.addAll(later.identitiesLost);
        return new Changes(
                union(policies, later.policies),
                union(localWorkloads, later.localWorkloads),
                union(reattached, later.reattached),
                Set.copyOf(gained),
                Set.copyOf(lost));
    }

    private static Set<String> union(Set<String> one, Set<String> other) {
        Set<String> both = new HashSet<>(one);
        both.addAll(other);
        return Set.copyOf(both);
    }
}
