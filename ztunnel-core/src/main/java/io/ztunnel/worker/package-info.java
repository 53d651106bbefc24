/// What does one event loop own?
///
/// So far only the doors through which the mesh reaches the loops: [MeshSubscriber] with its
/// [Publication], and [Lookups] for the way back.
///
/// May use: `io.ztunnel.mesh`, `io.ztunnel.policy`, `io.ztunnel.net`, `io.ztunnel.observe`,
/// `io.ztunnel.relay`, `io.ztunnel.lifecycle`, `io.ztunnel.hbone`.
@NullMarked
package io.ztunnel.worker;

import org.jspecify.annotations.NullMarked;
