package io.ztunnel.mesh;

/// The endpoints of one service that are alike in all that makes an endpoint eligible, so that a
/// choice looks at a few groups instead of at every endpoint.
///
/// @param ports the ports that these workloads map for the service
/// @param located whether they have an address or a host name
/// @param gateway whether they can be reached from another network
/// @param tunnel whether an application tunnel is set
record EndpointGroup(
        PortMap ports,
        String network,
        boolean healthy,
        boolean located,
        boolean gateway,
        boolean tunnel,
        Places members) {

    static EndpointGroup none(Workload like, PortMap ports, Places none) {
        return new EndpointGroup(
                ports,
                like.network(),
                like.healthy(),
                !like.addresses().isEmpty() || !like.hostname().isEmpty(),
                like.networkGateway() != null,
                like.applicationTunnel() != null,
                none);
    }

    boolean fits(EndpointGroup other) {
        return healthy == other.healthy
                && located == other.located
                && gateway == other.gateway
                && tunnel == other.tunnel
                && network.equals(other.network)
                && ports.equals(other.ports);
    }

    EndpointGroup with(Places changed) {
        return new EndpointGroup(ports, network, healthy, located, gateway, tunnel, changed);
    }
}
