package io.ztunnel.mesh;

import java.util.ArrayList;
import java.util.List;

/// A service together with the workloads behind it.
///
/// @param key of the service, made once so that looking endpoints up makes no object
/// @param identities the subject alternative names of the service, those that are no identities
///     left out
public record ServiceEntry(
        NamespacedHostname key, Service service, List<SpiffeId> identities, Endpoints endpoints) {

    static ServiceEntry of(NamespacedHostname key, Service service, Endpoints endpoints) {
        List<SpiffeId> identities = new ArrayList<>();
        for (String name : service.subjectAltNames()) {
            SpiffeId identity = SpiffeId.parseOrNull(name);
            if (identity != null) {
                identities.add(identity);
            }
        }
        return new ServiceEntry(key, service, List.copyOf(identities), endpoints);
    }

    ServiceEntry with(Endpoints changed) {
        return new ServiceEntry(key, service, identities, changed);
    }

    /// The ports that this workload maps for the service, empty where it is no endpoint of it.
    public PortMap portsOf(Workload workload) {
        return workload.services().getOrDefault(key, PortMap.EMPTY);
    }

    /// Whether the workload is an endpoint that may be used.
    public boolean admits(Workload workload) {
        return workload.services().containsKey(key)
                && (workload.healthy() || service.admitsUnhealthy());
    }
}
