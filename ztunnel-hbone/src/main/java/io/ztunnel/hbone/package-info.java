/// How do connections travel inside HTTP/2 CONNECT tunnels?
///
/// A tunnel is one secured channel that carries many streams; a stream is one CONNECT and then
/// bytes both ways. [TunnelServer] and [TunnelClient] put a tunnel onto a channel, [TunnelPool]
/// shares client tunnels, [StreamChannel] shows a stream as a channel so that a tunnel can run in
/// a tunnel. Everything is confined to the event loop of its channel. What an authority means,
/// who may connect, and where the channel comes from is decided elsewhere.
///
/// May use: `h2` (framing), Netty. `header` stands beside and is not used here. Read in this
/// order: [Tunnel], [TunnelStream], [StreamReceiver], [ConnectHandler], [TunnelPool],
/// [ReceiveBudget].
@NullMarked
package io.ztunnel.hbone;

import org.jspecify.annotations.NullMarked;
