/// How do bytes get from one side of a connection to the other?
///
/// Two legs and the rules between them. A leg may be a TCP socket or a stream of a tunnel; the
/// relay does not know which.
///
/// May use: `io.ztunnel.hbone` for streams, Netty for sockets.
/// Read in this order: [Relay], [Leg], [TcpLeg], [StreamLeg].
@NullMarked
package io.ztunnel.relay;

import org.jspecify.annotations.NullMarked;
