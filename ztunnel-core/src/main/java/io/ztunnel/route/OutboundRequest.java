package io.ztunnel.route;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;

/// A connection that leaves a pod.
///
/// @param source the workload of the pod, as the snapshot knows it
/// @param sourceIp the address the pod connected from
/// @param targetIp the original destination
/// @param targetPort the original destination, 0 to 65535
public record OutboundRequest(
        Workload source, IpAddress sourceIp, IpAddress targetIp, int targetPort) {

    public Authority target() {
        return Authority.of(targetIp, targetPort);
    }
}
