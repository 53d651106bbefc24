package io.ztunnel.mesh;

import io.ztunnel.mesh.persistent.OneOrMany;
import io.ztunnel.mesh.persistent.PersistentMap;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// A batch of changes on top of one snapshot. Nobody sees any of it before [#apply], so "remove
/// endpoint A, add endpoint B" is never visible half-done; what is applied does not depend on the
/// order of workloads and services within the batch (docs/spec/control-plane.md 4.5).
///
/// The cost of each change is O(log n) in the size of the mesh, save a service that gets other
/// routing preferences, whose endpoints are sorted anew. Owned by the one thread that writes the
/// mesh; deltas on one line of snapshots must not be filled at the same time.
public final class MeshDelta {
    private final MeshSnapshot base;
    private final String nodeName;
    private final Interner interner;

    private WorkloadIndex workloads;
    private ServiceIndex services;
    private PersistentMap<String, AuthorizationPolicy> policies;

    private final Map<NamespacedHostname, Endpoints> endpoints = new HashMap<>();
    private final Set<String> changedPolicies = new HashSet<>();
    private final Set<String> localWorkloads = new HashSet<>();
    private final Set<String> reattached = new HashSet<>();
    private final Set<SpiffeId> touchedIdentities = new HashSet<>();

    /// @param nodeName this node; where it is empty every workload counts as local
    public MeshDelta(MeshSnapshot base, String nodeName) {
        this.base = base;
        this.nodeName = nodeName;
        this.interner = base.interner();
        this.workloads = base.workloadIndex();
        this.services = base.serviceIndex();
        this.policies = base.policyIndex();
    }

    /// Adds a workload or replaces the one with the same uid.
    public MeshDelta upsert(Workload workload) {
        Workload before = workloads.byUid().get(workload.uid());
        if (before != null && before.equals(workload)) {
            return this;
        }
        Workload after = interner.workload(workload);
        if (before != null) {
            take(before);
        }
        workloads = workloads.with(after, isLocal(after));
        after.services()
                .forEach((key, ports) -> endpoints.put(key, endpointsOf(key).with(after, ports)));
        if (isLocal(after)) {
            localWorkloads.add(after.uid());
            touchedIdentities.add(after.identity());
            if (before == null
                    || !before.authorizationPolicies().equals(after.authorizationPolicies())
                    || !before.namespace().equals(after.namespace())) {
                reattached.add(after.uid());
            }
        }
        return this;
    }

    /// Adds a service or replaces the one with the same namespace and host name; its endpoints
    /// stay.
    public MeshDelta upsert(Service service) {
        flushEndpoints();
        services = services.with(interner.key(service.key()), service);
        return this;
    }

    /// Adds or replaces a policy under the name the control plane gave it.
    public MeshDelta upsert(String key, AuthorizationPolicy policy) {
        if (!policy.equals(policies.get(key))) {
            policies = policies.with(key, policy);
            changedPolicies.add(key);
        }
        return this;
    }

    /// Removes a workload by its uid, else a service by `<namespace>/<hostname>`, which share one
    /// space of names (docs/spec/control-plane.md 2.8). An unknown name changes nothing.
    public MeshDelta removeAddress(String resourceName) {
        Workload workload = workloads.byUid().get(resourceName);
        if (workload != null) {
            return removeWorkload(workload);
        }
        int slash = resourceName.indexOf('/');
        if (slash >= 0) {
            removeService(
                    new NamespacedHostname(
                            resourceName.substring(0, slash), resourceName.substring(slash + 1)));
        }
        return this;
    }

    private MeshDelta removeWorkload(Workload workload) {
        take(workload);
        if (isLocal(workload)) {
            reattached.add(workload.uid());
        }
        return this;
    }

    private void removeService(NamespacedHostname key) {
        flushEndpoints();
        services = services.without(key);
    }

    public MeshDelta removePolicy(String key) {
        if (policies.get(key) != null) {
            policies = policies.without(key);
            changedPolicies.add(key);
        }
        return this;
    }

    /// Forgets all workloads and services, as before a complete new set of them.
    public MeshDelta clearAddresses() {
        forEachKey(workloads.byUid(), uid -> removeAddress(uid));
        forEachKey(services.byKey(), this::removeService);
        return this;
    }

    public MeshDelta clearPolicies() {
        forEachKey(policies, this::removePolicy);
        return this;
    }

    private static <K, V> void forEachKey(PersistentMap<K, V> map, Consumer<K> action) {
        BiConsumer<K, V> keys = (key, _) -> action.accept(key);
        map.forEach(keys);
    }

    /// What this delta has changed so far, beside what it left as it was.
    public Changes changes() {
        Set<SpiffeId> gained = new HashSet<>();
        Set<SpiffeId> lost = new HashSet<>();
        for (SpiffeId identity : touchedIdentities) {
            boolean before = has(base.workloadIndex(), identity);
            boolean after = has(workloads, identity);
            if (before != after) {
                (after ? gained : lost).add(identity);
            }
        }
        return new Changes(
                Set.copyOf(changedPolicies),
                Set.copyOf(localWorkloads),
                Set.copyOf(reattached),
                Set.copyOf(gained),
                Set.copyOf(lost));
    }

    /// The next version. A delta that changed nothing gives a new version all the same.
    public MeshSnapshot apply() {
        flushEndpoints();
        return new MeshSnapshot(base.version() + 1, workloads, services, policies, interner);
    }

    private void take(Workload workload) {
        workloads = workloads.without(workload, isLocal(workload));
        workload.services()
                .forEach(
                        (key, ports) ->
                                endpoints.put(key, endpointsOf(key).without(workload, ports)));
        if (isLocal(workload)) {
            localWorkloads.add(workload.uid());
            touchedIdentities.add(workload.identity());
        }
    }

    private Endpoints endpointsOf(NamespacedHostname key) {
        Endpoints changed = endpoints.get(key);
        return changed != null ? changed : services.endpoints(key);
    }

    private void flushEndpoints() {
        endpoints.forEach((key, changed) -> services = services.with(key, changed));
        endpoints.clear();
    }

    private boolean isLocal(Workload workload) {
        return nodeName.isEmpty() || workload.node().equals(nodeName);
    }

    private static boolean has(WorkloadIndex workloads, SpiffeId identity) {
        @Nullable Object candidates =
                workloads
                        .local()
                        .get(
                                new AuthorizationPolicy.ServiceAccount(
                                        identity.namespace(), identity.serviceAccount()));
        for (int i = 0; candidates != null && i < OneOrMany.size(candidates); i++) {
            if (OneOrMany.<Workload>at(candidates, i).identity().equals(identity)) {
                return true;
            }
        }
        return false;
    }
}
