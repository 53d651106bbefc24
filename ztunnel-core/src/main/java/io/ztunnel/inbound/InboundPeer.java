package io.ztunnel.inbound;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;

/// Who is at the other end of a tunnel.
///
/// @param source the peer's address, which authorization judges by
/// @param destination our address the peer connected to
/// @param identity what the peer's certificate proves, null where it names no SPIFFE identity
record InboundPeer(
        InetSocketAddress source, InetSocketAddress destination, @Nullable SpiffeId identity) {}
