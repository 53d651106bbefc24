package io.ztunnel.route;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;

import java.util.List;

/// The next place a connection is opened to.
///
/// @param port 1 to 65535
/// @param identities any of which the peer may prove to have, in the order: those of the service,
///     that of the workload
/// @param workload who is there
public record Hop(IpAddress ip, int port, List<SpiffeId> identities, Workload workload) {

    public Authority address() {
        return Authority.of(ip, port);
    }
}
