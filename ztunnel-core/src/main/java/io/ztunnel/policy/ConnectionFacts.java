package io.ztunnel.policy;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

/// All that policies may ask about a connection (docs/spec/control-plane.md 5.5).
///
/// @param identity what the peer has proved to be; null for plain text
/// @param source the TCP peer, canonical
/// @param destination the address of the pod
/// @param destinationPort the port of the application, after service ports and tunnels
public record ConnectionFacts(
        @Nullable SpiffeId identity, IpAddress source, IpAddress destination, int destinationPort) {

    /// The namespace of the peer, empty for plain text.
    String namespace() {
        return identity == null ? "" : identity.namespace();
    }
}
