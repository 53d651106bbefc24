package io.ztunnel.mesh;

/// How a waypoint or a network gateway is named: by its address or by its host name.
public sealed interface GatewayDestination permits NetworkAddress, NamespacedHostname {}
