package io.ztunnel.outbound;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;

import java.net.InetSocketAddress;
import java.util.List;

/// Streams share a tunnel exactly when all of this is equal (docs/spec/dataplane.md 6.1).
///
/// @param source who we are in the tunnel
/// @param expected whom we accept at the other end, in order
/// @param hop where the tunnel leads
/// @param sourceIp the pod's address the connection came from
public record TunnelKey(
        SpiffeId source, List<SpiffeId> expected, InetSocketAddress hop, IpAddress sourceIp) {}
