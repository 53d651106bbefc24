/// How does an application that speaks SOCKS5 say where it wants to go?
///
/// A socket on port 15080 of the pod's loopback is taken, RFC 1928 spoken until the destination is
/// known, and the socket handed to [io.ztunnel.outbound.OutboundListener]; from then on nothing of
/// this room is on its way (docs/spec/dataplane.md 10).
///
/// May use: `outbound`, `worker` and below.
/// Read in this order: [SocksListener], [SocksConversation], [SocksReader], [SocksNames].
@NullMarked
package io.ztunnel.socks;

import org.jspecify.annotations.NullMarked;
