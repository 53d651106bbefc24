package io.ztunnel.route;

import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.TreeMap;

/// Guesses for the labels of an inbound connection which service the client meant
/// (docs/spec/dataplane.md 3.6, end). No decision depends on it.
public final class DestinationService {
    private DestinationService() {}

    /// @param local the workload that receives the connection
    /// @param addressed the service that the authority named, null for an address
    /// @param forwardedHost what the client's proxy says was addressed
    /// @param port the port on the workload
    /// @return the service of that host name, else the first that leads to the port
    public static @Nullable Service guess(
            MeshSnapshot mesh,
            Workload local,
            @Nullable ServiceEntry addressed,
            @Nullable String forwardedHost,
            int port) {
        if (addressed != null) {
            return addressed.service().hostname().equals(forwardedHost)
                            || leadsTo(addressed, local, port)
                    ? addressed.service()
                    : null;
        }
        Service byPort = null;
        // Sorted, so that the same connection gets the same label on every node.
        Map<String, NamespacedHostname> sorted = new TreeMap<>();
        local.services().keySet().forEach(key -> sorted.put(key.toString(), key));
        for (NamespacedHostname key : sorted.values()) {
            ServiceEntry candidate = mesh.service(key);
            if (candidate == null) {
                continue;
            }
            if (candidate.service().hostname().equals(forwardedHost)) {
                return candidate.service();
            }
            if (byPort == null && leadsTo(candidate, local, port)) {
                byPort = candidate.service();
            }
        }
        return byPort;
    }

    private static boolean leadsTo(ServiceEntry candidate, Workload local, int port) {
        return candidate.service().ports().hasTarget(port)
                || candidate.portsOf(local).hasTarget(port);
    }
}
