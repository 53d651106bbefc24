/// What happens to a connection that leaves a pod?
///
/// A socket redirected to port 15001 is taken, its destination read from the kernel, a route
/// decided, the next hop reached, or another one where it cannot be, and the bytes relayed.
///
/// May use: `route`, `tls`, `identity`, `worker` and below.
/// Read in this order: [OutboundListener], [OutboundConnection], [Attempts], [OutboundDialer],
/// [TunnelFactory].
@NullMarked
package io.ztunnel.outbound;

import org.jspecify.annotations.NullMarked;
