/// Where should this connection go?
///
/// Pure decisions: given one mesh snapshot and one request, answer with a route. No sockets, no
/// clocks, no logging, no waiting.
///
/// May use: `io.ztunnel.mesh`.
/// Read in this order: [OutboundRequest], [Experience], [OutboundRouter], [OutboundRoute]; then the
/// inbound three; [Refusal] for every way to say no.
@NullMarked
package io.ztunnel.route;

import org.jspecify.annotations.NullMarked;
