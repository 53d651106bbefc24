package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;
import io.ztunnel.mesh.persistent.PersistentMap;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// All policies of one snapshot, ready to be judged with. Immutable; every thread may read it.
///
/// Compiled once per change, by the thread that writes the mesh: of a change only the sets it
/// touches are compiled again (all global policies, those of one namespace, one selector policy).
public final class CompiledPolicies {
    private static final CompiledPolicies NONE =
            new CompiledPolicies(
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty());

    /// Up to here the selector policies of a workload are gone through one by one.
    private static final int FEW = 4;

    /// No namespace can have this name, as keys are `<namespace>/<name>`.
    private static final String GLOBAL = "/";

    private final PersistentMap<String, CompiledPolicy> byKey;
    private final PersistentMap<String, PolicySet> selected;
    private final PersistentMap<String, Scoped> scoped;
    private final PersistentMap<String, Attached> attached;
    private final PolicySet global;

    private CompiledPolicies(
            PersistentMap<String, CompiledPolicy> byKey,
            PersistentMap<String, PolicySet> selected,
            PersistentMap<String, Scoped> scoped,
            PersistentMap<String, Attached> attached) {
        this.byKey = byKey;
        this.selected = selected;
        this.scoped = scoped;
        this.attached = attached;
        this.global = set(scoped, GLOBAL);
    }

    /// The policies of a scope: of a namespace, or all global ones.
    private record Scoped(PersistentMap<String, CompiledPolicy> members, PolicySet set) {
        static final Scoped NONE = new Scoped(PersistentMap.empty(), PolicySet.NONE);
    }

    /// The selector policies of one workload of this node that has many.
    ///
    /// @param keys the very list they were compiled from
    record Attached(List<String> keys, PolicySet set, List<String> unknown) {}

    public static CompiledPolicies none() {
        return NONE;
    }

    public static CompiledPolicies compile(MeshSnapshot mesh) {
        Set<String> keys = new HashSet<>();
        mesh.forEachPolicy((key, _) -> keys.add(key));
        Set<String> workloads = new HashSet<>();
        mesh.localWorkloads().forEach(workload -> workloads.add(workload.uid()));
        return NONE.updated(mesh, keys, workloads);
    }

    /// The policies of a later snapshot.
    ///
    /// @param changes all that happened since the snapshot this was compiled from
    public CompiledPolicies next(MeshSnapshot mesh, Changes changes) {
        return changes.policies().isEmpty() && changes.localWorkloads().isEmpty()
                ? this
                : updated(mesh, changes.policies(), changes.localWorkloads());
    }

    private CompiledPolicies updated(
            MeshSnapshot mesh, Set<String> changedKeys, Set<String> changedWorkloads) {
        PersistentMap<String, CompiledPolicy> policies = byKey;
        PersistentMap<String, PolicySet> single = selected;
        Map<String, PersistentMap<String, CompiledPolicy>> touched = new HashMap<>();
        for (String key : changedKeys) {
            CompiledPolicy before = policies.get(key);
            String left = before == null ? null : scopeOf(before.policy());
            if (left != null) {
                touched.put(left, members(touched, left).without(key));
            }
            AuthorizationPolicy policy = mesh.policy(key);
            if (policy == null) {
                policies = policies.without(key);
                single = single.without(key);
                continue;
            }
            CompiledPolicy after = new CompiledPolicy(policy);
            policies = policies.with(key, after);
            String scope = scopeOf(policy);
            // A workload may list a policy of any scope, even of a foreign namespace.
            single = single.with(key, PolicySet.of(List.of(after)));
            if (scope != null) {
                touched.put(scope, members(touched, scope).with(key, after));
            }
        }
        PersistentMap<String, Scoped> scopes = scoped;
        for (Map.Entry<String, PersistentMap<String, CompiledPolicy>> entry : touched.entrySet()) {
            List<CompiledPolicy> all = new ArrayList<>();
            entry.getValue().forEach((_, policy) -> all.add(policy));
            scopes =
                    all.isEmpty()
                            ? scopes.without(entry.getKey())
                            : scopes.with(
                                    entry.getKey(),
                                    new Scoped(entry.getValue(), PolicySet.of(all)));
        }
        return new CompiledPolicies(
                policies, single, scopes, attach(mesh, policies, changedKeys, changedWorkloads));
    }

    private PersistentMap<String, CompiledPolicy> members(
            Map<String, PersistentMap<String, CompiledPolicy>> touched, String scope) {
        PersistentMap<String, CompiledPolicy> changed = touched.get(scope);
        if (changed != null) {
            return changed;
        }
        Scoped known = scoped.get(scope);
        return (known == null ? Scoped.NONE : known).members();
    }

    private PersistentMap<String, Attached> attach(
            MeshSnapshot mesh,
            PersistentMap<String, CompiledPolicy> policies,
            Set<String> changedKeys,
            Set<String> changedWorkloads) {
        Set<String> stale = new HashSet<>(changedWorkloads);
        if (!changedKeys.isEmpty()) {
            attached.forEach(
                    (uid, list) -> {
                        if (list.keys().stream().anyMatch(changedKeys::contains)) {
                            stale.add(uid);
                        }
                    });
        }
        PersistentMap<String, Attached> result = attached;
        for (String uid : stale) {
            Workload workload = mesh.workloadByUid(uid);
            if (workload == null || workload.authorizationPolicies().size() <= FEW) {
                result = result.without(uid);
                continue;
            }
            List<CompiledPolicy> known = new ArrayList<>();
            List<String> unknown = new ArrayList<>();
            for (String key : workload.authorizationPolicies()) {
                CompiledPolicy policy = policies.get(key);
                if (policy == null) {
                    unknown.add(key);
                } else {
                    known.add(policy);
                }
            }
            result =
                    result.with(
                            uid,
                            new Attached(
                                    workload.authorizationPolicies(),
                                    PolicySet.of(known),
                                    List.copyOf(unknown)));
        }
        return result;
    }

    /// The name a policy is filed under, null for selector policies.
    private static @Nullable String scopeOf(AuthorizationPolicy policy) {
        return switch (policy.scope()) {
            case Scope.GLOBAL -> GLOBAL;
            case Scope.NAMESPACE -> policy.namespace();
            case Scope.WORKLOAD_SELECTOR -> null;
        };
    }

    private static PolicySet set(PersistentMap<String, Scoped> scoped, String scope) {
        Scoped found = scoped.get(scope);
        return found == null ? PolicySet.NONE : found.set();
    }

    PolicySet global() {
        return global;
    }

    PolicySet ofNamespace(String namespace) {
        return set(scoped, namespace);
    }

    /// The policy of a key as a set of its own, null where there is none.
    @Nullable PolicySet listed(String key) {
        return selected.get(key);
    }

    /// The selector policies of a workload taken together, null where they are to be gone through.
    @Nullable Attached attachedTo(Workload workload) {
        Attached found = attached.get(workload.uid());
        return found != null && found.keys() == workload.authorizationPolicies() ? found : null;
    }

    /// Whether nothing that bears on connections to a workload has changed between two versions:
    /// neither the policies of its scopes nor those it lists.
    ///
    /// @param before the workload as it was, with the policies of then
    @SuppressWarnings("ReferenceEquality") // sets that nothing touched are handed on as they are
    public boolean sameFor(Workload workload, CompiledPolicies then, Workload before) {
        if (this == then && workload == before) {
            return true;
        }
        if (global != then.global
                || ofNamespace(workload.namespace()) != then.ofNamespace(before.namespace())
                || !workload.authorizationPolicies().equals(before.authorizationPolicies())) {
            return false;
        }
        for (String key : workload.authorizationPolicies()) {
            if (listed(key) != then.listed(key)) {
                return false;
            }
        }
        return true;
    }

    public int size() {
        return byKey.size();
    }
}
