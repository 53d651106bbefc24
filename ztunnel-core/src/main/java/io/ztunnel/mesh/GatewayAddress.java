package io.ztunnel.mesh;

/// Where a waypoint or a network gateway is found (docs/spec/control-plane.md, message
/// `GatewayAddress`).
///
/// @param hboneMtlsPort the port that is looked up on the destination, 1 to 65535, normally 15008
public record GatewayAddress(GatewayDestination destination, int hboneMtlsPort) {}
