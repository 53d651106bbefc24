package io.ztunnel.mesh;

import java.util.List;

/// How one endpoint of a service is chosen (docs/spec/control-plane.md 4.7).
public record LoadBalancer(List<Scope> routingPreferences, Mode mode, HealthPolicy healthPolicy) {

    /// What an endpoint has in common with the client, compared in the order of preference.
    public enum Scope {
        REGION,
        ZONE,
        SUBZONE,
        NODE,
        CLUSTER,
        NETWORK
    }

    /// `STANDARD` ignores the scopes, `STRICT` wants all of them equal, `FAILOVER` the best group,
    /// `PASSTHROUGH` keeps the original destination.
    public enum Mode {
        STANDARD,
        STRICT,
        FAILOVER,
        PASSTHROUGH
    }

    /// Which endpoints are admitted when a workload joins a service.
    public enum HealthPolicy {
        ONLY_HEALTHY,
        ALLOW_ALL
    }

    /// Whether endpoints are ranked by what they have in common with the client.
    public boolean usesScopes() {
        return mode == Mode.STRICT || mode == Mode.FAILOVER;
    }
}
