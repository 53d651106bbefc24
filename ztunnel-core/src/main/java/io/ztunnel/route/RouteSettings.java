package io.ztunnel.route;

import java.util.Set;

/// What routing needs to know of the configuration.
///
/// @param network the network of this node (`NETWORK`), empty for the default one
/// @param hbonePort where workloads accept tunnels, 15008
/// @param illegalPorts ports of this proxy that no connection may be led to
/// @param localhostTunnel whether application tunnels of kind PROXY end on the loopback address
///     (`LOCALHOST_APP_TUNNEL`)
/// @param onDemand whether the control plane tells of addresses only when asked (`XDS_ON_DEMAND`)
public record RouteSettings(
        String network,
        int hbonePort,
        Set<Integer> illegalPorts,
        boolean localhostTunnel,
        boolean onDemand) {

    public RouteSettings {
        illegalPorts = Set.copyOf(illegalPorts);
    }

    public static RouteSettings defaults() {
        return new RouteSettings("", 15008, Set.of(15001, 15006, 15008), true, false);
    }

    public RouteSettings withNetwork(String network) {
        return new RouteSettings(network, hbonePort, illegalPorts, localhostTunnel, onDemand);
    }

    public RouteSettings withOnDemand(boolean onDemand) {
        return new RouteSettings(network, hbonePort, illegalPorts, localhostTunnel, onDemand);
    }
}
