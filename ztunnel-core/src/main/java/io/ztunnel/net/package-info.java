/// How are sockets opened and listened on inside a pod's network namespace?
///
/// Sockets are born in the namespace they belong to and live on the event loop they are given to;
/// everything after birth happens at home. Holds no rules about connections: who may connect and
/// where to is decided elsewhere.
///
/// May use: `io.ztunnel.net.linux`, Netty transport.
/// Read in this order: [Netns], [SocketSettings], [Listener], [Dialer], [OriginalDestination].
@NullMarked
package io.ztunnel.net;

import org.jspecify.annotations.NullMarked;
