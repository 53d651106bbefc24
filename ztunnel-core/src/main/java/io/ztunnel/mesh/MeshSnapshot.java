package io.ztunnel.mesh;

import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.persistent.OneOrMany;
import io.ztunnel.mesh.persistent.PersistentMap;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiConsumer;

/// The whole mesh at one moment (docs/spec/control-plane.md 4). Immutable: every thread may read it
/// without a lock, and a reader never sees half of a batch. New versions come from [MeshDelta] and
/// share nearly everything with the one before. No lookup below allocates, save the lists.
public final class MeshSnapshot {
    private static final MeshSnapshot EMPTY =
            new MeshSnapshot(
                    0,
                    WorkloadIndex.NONE,
                    ServiceIndex.NONE,
                    PersistentMap.empty(),
                    new Interner());

    private final long version;
    private final WorkloadIndex workloads;
    private final ServiceIndex services;
    private final PersistentMap<String, AuthorizationPolicy> policies;
    private final Interner interner;

    MeshSnapshot(
            long version,
            WorkloadIndex workloads,
            ServiceIndex services,
            PersistentMap<String, AuthorizationPolicy> policies,
            Interner interner) {
        this.version = version;
        this.workloads = workloads;
        this.services = services;
        this.policies = policies;
        this.interner = interner;
    }

    /// A mesh that nobody has told us anything about.
    public static MeshSnapshot empty() {
        return new MeshSnapshot(0, EMPTY.workloads, EMPTY.services, EMPTY.policies, new Interner());
    }

    /// Grows by one with each applied delta.
    public long version() {
        return version;
    }

    public @Nullable Workload workloadByUid(String uid) {
        return workloads.byUid().get(uid);
    }

    /// The workload that owns an address: pods before others, HBONE before TCP, then the newest.
    /// Host-network workloads own none.
    public @Nullable Workload workloadByAddress(String network, IpAddress ip) {
        return workloads.byAddress(network, ip);
    }

    /// The workload with this host name of its own, as gateways and waypoints may be named.
    public @Nullable Workload workloadByHostname(NamespacedHostname hostname) {
        return workloads.byHostname(hostname);
    }

    /// The workload of a pod on this node; all three names must be equal.
    public @Nullable Workload localWorkload(String name, String namespace, String serviceAccount) {
        Object candidates = workloads.local().get(new ServiceAccount(namespace, serviceAccount));
        for (int i = 0; candidates != null && i < OneOrMany.size(candidates); i++) {
            Workload candidate = OneOrMany.at(candidates, i);
            if (candidate.name().equals(name)) {
                return candidate;
            }
        }
        return null;
    }

    /// The workloads of this node.
    public List<Workload> localWorkloads() {
        List<Workload> all = new ArrayList<>();
        workloads
                .local()
                .forEach(
                        (_, some) -> {
                            for (int i = 0; i < OneOrMany.size(some); i++) {
                                all.add(OneOrMany.at(some, i));
                            }
                        });
        return all;
    }

    public @Nullable ServiceEntry service(NamespacedHostname key) {
        return services.byKey().get(key);
    }

    /// The best service at an address (docs/spec/control-plane.md 4.6): exact addresses before
    /// ranges, then by namespace, prefix length, canonical, age.
    ///
    /// @param clientNamespace who asks; null where visibility is not enforced
    public @Nullable ServiceEntry serviceByAddress(
            String network, IpAddress ip, @Nullable String clientNamespace) {
        return services.at(network, ip, clientNamespace);
    }

    /// The best visible service of a host name.
    ///
    /// @param clientNamespace who asks; null where visibility is not enforced
    public @Nullable ServiceEntry serviceByHostname(
            String hostname, @Nullable String clientNamespace) {
        return services.best(services.byHostname().get(hostname), clientNamespace);
    }

    /// All services of a host name, in the order they came, whoever may see them.
    public List<ServiceEntry> servicesByHostname(String hostname) {
        Object keys = services.byHostname().get(hostname);
        if (keys == null) {
            return List.of();
        }
        List<ServiceEntry> all = new ArrayList<>(OneOrMany.size(keys));
        for (int i = 0; i < OneOrMany.size(keys); i++) {
            ServiceEntry entry = services.byKey().get(OneOrMany.<NamespacedHostname>at(keys, i));
            if (entry != null) {
                all.add(entry);
            }
        }
        return all;
    }

    /// The endpoints of a service, empty where it is not known.
    public Endpoints endpointsOf(Service service) {
        return services.endpoints(service.key());
    }

    public @Nullable AuthorizationPolicy policy(String key) {
        return policies.get(key);
    }

    public void forEachPolicy(BiConsumer<? super String, ? super AuthorizationPolicy> action) {
        policies.forEach(action);
    }

    public int workloadCount() {
        return workloads.byUid().size();
    }

    public int serviceCount() {
        return services.byKey().size();
    }

    public int policyCount() {
        return policies.size();
    }

    /// Services that workloads list but that nobody has described (yet).
    public int stagedServiceCount() {
        return services.staged().size();
    }

    /// All workloads by uid, for dumps (docs/spec/config-observability-dns.md 2.3).
    public List<Workload> workloads() {
        List<Workload> all = new ArrayList<>(workloadCount());
        workloads.byUid().forEach((_, workload) -> all.add(workload));
        all.sort(Comparator.comparing(Workload::uid));
        return all;
    }

    /// All services by host name, those that share one in the order they came, for dumps.
    public List<ServiceEntry> services() {
        List<String> hostnames = new ArrayList<>();
        services.byHostname().forEach((hostname, _) -> hostnames.add(hostname));
        hostnames.sort(Comparator.naturalOrder());
        List<ServiceEntry> all = new ArrayList<>(serviceCount());
        hostnames.forEach(hostname -> all.addAll(servicesByHostname(hostname)));
        return all;
    }

    /// All policies by namespace and name, for dumps.
    public List<AuthorizationPolicy> policies() {
        List<AuthorizationPolicy> all = new ArrayList<>(policyCount());
        policies.forEach((_, policy) -> all.add(policy));
        all.sort(Comparator.comparing(AuthorizationPolicy::key));
        return all;
    }

    /// Endpoints whose service is not known, by the key of that service, for dumps.
    public void forEachStaged(BiConsumer<? super NamespacedHostname, ? super Endpoints> action) {
        services.staged().forEach(action);
    }

    WorkloadIndex workloadIndex() {
        return workloads;
    }

    ServiceIndex serviceIndex() {
        return services;
    }

    PersistentMap<String, AuthorizationPolicy> policyIndex() {
        return policies;
    }

    Interner interner() {
        return interner;
    }
}
