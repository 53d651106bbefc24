package io.ztunnel.route;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;

/// A CONNECT that arrives at a pod.
///
/// @param local the workload of the pod
/// @param destination the local address of the connection that carries the stream
/// @param authority what the peer asks for, as it was written
public record InboundRequest(Workload local, IpAddress destination, String authority) {}
