/// What happens to a connection that arrives at a pod?
///
/// Through a tunnel on port 15008 or as plain TCP redirected to port 15006. It is judged before the
/// application hears of it, and judged again whenever a policy changes.
///
/// May use: `route`, `policy`, `tls`, `identity`, `worker` and below.
/// Read in this order: [InboundListener], [TunnelListener], [TunnelRequests], [PlaintextListener],
/// [InboundConnection], [PolicyRecheck].
@NullMarked
package io.ztunnel.inbound;

import org.jspecify.annotations.NullMarked;
