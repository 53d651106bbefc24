package io.ztunnel.route;

import java.util.Set;

/// What routing needs to know of the configuration.
///
/// @param network the network of this node (`NETWORK`), empty for the default one
/// @param hbonePort where workloads accept tunnels, 15008
/// @param illegalPorts ports of this proxy that no connection may be led to
/// @param localhostTunnel whether application tunnels of kind PROXY end on the loopback address
///     (`LOCALHOST_APP_TUNNEL`)
public record RouteSettings(
        String network, int hbonePort, Set<Integer> illegalPorts, boolean localhostTunnel) {

    public RouteSettings {
        illegalPorts = Set.copyOf(illegalPorts);
    }

    public static RouteSettings defaults() {
        return new RouteSettings("", 15008, Set.of(15001, 15006, 15008), true);
    }

    public RouteSettings withNetwork(String network) {
        return new RouteSettings(network, hbonePort, illegalPorts, localhostTunnel);
    }
}
