package io.ztunnel.mesh;

/// One choice among the waypoints of a service; drawn for each connection by its weight.
///
/// @param weight 0 or more; 0 is never drawn
public record WeightedWaypoint(GatewayAddress destination, int weight) {}
