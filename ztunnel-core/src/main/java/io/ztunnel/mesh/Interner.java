package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// One object for equal facts: namespaces, node names, localities, port maps and the like repeat in
/// thousands of workloads and are most of what they weigh.
///
/// Owned by the one thread that writes snapshots. At its bound it forgets everything; that costs
/// memory later and is never wrong.
final class Interner {
    private static final int MOST = 1 << 20;

    private final Map<Object, Object> known = new HashMap<>();

    @SuppressWarnings("unchecked") // an equal object of these final types has the same type
    <T> T one(T fact) {
        if (known.size() >= MOST) {
            known.clear();
        }
        Object first = known.putIfAbsent(fact, fact);
        return first == null ? fact : (T) first;
    }

    private <T> @Nullable T oneOrNull(@Nullable T fact) {
        return fact == null ? null : one(fact);
    }

    NamespacedHostname key(NamespacedHostname key) {
        Object first = known.get(key);
        return first != null
                ? (NamespacedHostname) first
                : one(new NamespacedHostname(one(key.namespace()), one(key.hostname())));
    }

    Workload workload(Workload from) {
        return new Workload(
                from.uid(),
                from.name(),
                one(from.namespace()),
                List.copyOf(from.addresses()),
                from.hostname().isEmpty() ? "" : from.hostname(),
                one(from.network()),
                from.protocol(),
                from.hostNetwork(),
                one(from.trustDomain()),
                one(from.serviceAccount()),
                gateway(from.waypoint()),
                gateway(from.networkGateway()),
                one(from.node()),
                one(from.canonicalName()),
                one(from.canonicalRevision()),
                one(from.workloadType()),
                one(from.workloadName()),
                from.nativeTunnel(),
                oneOrNull(from.applicationTunnel()),
                services(from.services()),
                policies(from.authorizationPolicies()),
                from.healthy(),
                one(from.clusterId()),
                locality(from.locality()),
                from.capacity());
    }

    private @Nullable GatewayAddress gateway(@Nullable GatewayAddress gateway) {
        return gateway == null ? null : one(gateway);
    }

    private Locality locality(Locality locality) {
        Object first = known.get(locality);
        return first != null
                ? (Locality) first
                : one(
                        new Locality(
                                one(locality.region()),
                                one(locality.zone()),
                                one(locality.subzone())));
    }

    @SuppressWarnings("unchecked") // only maps of this type are put in here
    private Map<NamespacedHostname, PortMap> services(Map<NamespacedHostname, PortMap> services) {
        if (services.isEmpty()) {
            return Map.of();
        }
        Object first = known.get(services);
        if (first != null) {
            return (Map<NamespacedHostname, PortMap>) first;
        }
        Map<NamespacedHostname, PortMap> shared = new HashMap<>();
        services.forEach((service, ports) -> shared.put(key(service), one(ports)));
        return one(Map.copyOf(shared));
    }

    private List<String> policies(List<String> keys) {
        return keys.isEmpty() ? List.of() : one(keys.stream().map(this::one).toList());
    }
}
