/// What does a whole cluster cost one node: time, memory, and a change of it?
///
/// A control plane in one process, the part of the daemon that listens to it in another one with
/// the daemon's own JVM flags, and a gRPC stream over TLS between them.
///
/// May use: `io.ztunnel.xds`, `io.ztunnel.feed`, `io.ztunnel.mesh`, the test authority of
/// ztunnel-ca-client. Read in this order: [MeshScale], [MeshReader], [MeshSource], [MeshContent].
@NullMarked
package io.ztunnel.bench.mesh;

import org.jspecify.annotations.NullMarked;
