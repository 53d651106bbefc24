package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

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
        @Nullable EndpointTree members) {

    static EndpointGroup none(Workload like, PortMap ports) {
        return new EndpointGroup(
                ports,
                like.network(),
                like.healthy(),
                !like.addresses().isEmpty() || !like.hostname().isEmpty(),
                like.networkGateway() != null,
                like.applicationTunnel() != null,
                null);
    }

    boolean fits(EndpointGroup other) {
        return healthy == other.healthy
                && located == other.located
                && gateway == other.gateway
                && tunnel == other.tunnel
                && network.equals(other.network)
                && ports.equals(other.ports);
    }

    EndpointGroup with(@Nullable EndpointTree changed) {
        return new EndpointGroup(ports, network, healthy, located, gateway, tunnel, changed);
    }
}
