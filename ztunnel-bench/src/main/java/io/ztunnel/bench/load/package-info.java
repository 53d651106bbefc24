/// What runs inside the pods while something is measured: the client and the server?
///
/// A small program on plain NIO, one thread per loop, that allocates nothing per request. It shares
/// no code with the proxies under test, so a mistake there cannot flatter or hurt one of them, and
/// it lives for the whole run, so the compiler has long finished with it when a number counts.
///
/// May use: the JDK.
/// Read in this order: [PodMain], [RequestLoop], [ConnectLoop], [EchoLoop], [LatencyHistogram].
@NullMarked
package io.ztunnel.bench.load;

import org.jspecify.annotations.NullMarked;
