package io.ztunnel.mesh;

import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.persistent.OneOrMany;
import io.ztunnel.mesh.persistent.PersistentMap;

import org.jspecify.annotations.Nullable;

/// The workloads by everything they are looked up by (docs/spec/control-plane.md 4.1), immutable.
///
/// Values of type `Object` are a [OneOrMany] of workloads: overlaps are legal but rare.
///
/// @param local those of this node
record WorkloadIndex(
        PersistentMap<String, Workload> byUid,
        PersistentMap<String, PersistentMap<IpAddress, Object>> byAddress,
        PersistentMap<NamespacedHostname, Object> byHostname,
        PersistentMap<ServiceAccount, Object> local) {

    static final WorkloadIndex NONE =
            new WorkloadIndex(
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty());

    /// Adds a workload whose uid is not known yet.
    WorkloadIndex with(Workload workload, boolean isLocal) {
        PersistentMap<String, PersistentMap<IpAddress, Object>> addresses = byAddress;
        if (!workload.hostNetwork() && !workload.addresses().isEmpty()) {
            PersistentMap<IpAddress, Object> network = addressesOf(addresses, workload.network());
            for (IpAddress ip : workload.addresses()) {
                network = network.with(ip, ranked(network.get(ip), workload));
            }
            addresses = addresses.with(workload.network(), network);
        }
        PersistentMap<NamespacedHostname, Object> hostnames = byHostname;
        if (!workload.hostname().isEmpty()) {
            NamespacedHostname key = hostnameOf(workload);
            hostnames = hostnames.with(key, OneOrMany.inserted(hostnames.get(key), 0, workload));
        }
        PersistentMap<ServiceAccount, Object> locals = local;
        if (isLocal) {
            ServiceAccount key = accountOf(workload);
            locals = locals.with(key, OneOrMany.inserted(locals.get(key), 0, workload));
        }
        return new WorkloadIndex(
                byUid.with(workload.uid(), workload), addresses, hostnames, locals);
    }

    WorkloadIndex without(Workload workload, boolean isLocal) {
        PersistentMap<String, PersistentMap<IpAddress, Object>> addresses = byAddress;
        if (!workload.hostNetwork() && !workload.addresses().isEmpty()) {
            PersistentMap<IpAddress, Object> network = addressesOf(addresses, workload.network());
            for (IpAddress ip : workload.addresses()) {
                network = removed(network, ip, workload);
            }
            addresses =
                    network.isEmpty()
                            ? addresses.without(workload.network())
                            : addresses.with(workload.network(), network);
        }
        return new WorkloadIndex(
                byUid.without(workload.uid()),
                addresses,
                workload.hostname().isEmpty()
                        ? byHostname
                        : removed(byHostname, hostnameOf(workload), workload),
                isLocal ? removed(local, accountOf(workload), workload) : local);
    }

    @Nullable Workload byAddress(String network, IpAddress ip) {
        PersistentMap<IpAddress, Object> addresses = byAddress.get(network);
        return addresses == null ? null : first(addresses.get(ip));
    }

    @Nullable Workload byHostname(NamespacedHostname hostname) {
        return first(byHostname.get(hostname));
    }

    private static @Nullable Workload first(@Nullable Object workloads) {
        return workloads == null ? null : OneOrMany.<Workload>at(workloads, 0);
    }

    /// Pods before others, HBONE before TCP, the newest of equals first.
    private static Object ranked(@Nullable Object workloads, Workload added) {
        int at = 0;
        while (workloads != null
                && at < OneOrMany.size(workloads)
                && rank(OneOrMany.at(workloads, at)) > rank(added)) {
            at++;
        }
        return OneOrMany.inserted(workloads, at, added);
    }

    private static int rank(Workload workload) {
        return (workload.uid().contains("//Pod/") ? 2 : 0)
                + (workload.protocol() == Protocol.HBONE ? 1 : 0);
    }

    private static PersistentMap<IpAddress, Object> addressesOf(
            PersistentMap<String, PersistentMap<IpAddress, Object>> addresses, String network) {
        PersistentMap<IpAddress, Object> known = addresses.get(network);
        return known == null ? PersistentMap.empty() : known;
    }

    private static <K> PersistentMap<K, Object> removed(
            PersistentMap<K, Object> index, K key, Workload workload) {
        Object rest = OneOrMany.removed(index.get(key), workload);
        if (rest == null) {
            return index.without(key);
        }
        // The key may belong to the workload that goes: keep one that does not hold it in memory.
        return index.without(key).with(key, rest);
    }

    static ServiceAccount accountOf(Workload workload) {
        return new ServiceAccount(workload.namespace(), workload.serviceAccount());
    }

    private static NamespacedHostname hostnameOf(Workload workload) {
        return new NamespacedHostname(workload.namespace(), workload.hostname());
    }
}
