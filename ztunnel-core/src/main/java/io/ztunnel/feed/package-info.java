/// Where do the facts come from?
///
/// Resources, pushed by a control plane or read from a file, become facts of the mesh:
/// [WorkloadTranslator], [ServiceTranslator] and [PolicyTranslator] decide what one resource means
/// or why it is refused, [MeshWriter] puts the accepted ones together into snapshots and hands
/// these out. Generated messages do not leave this package.
///
/// May use: `io.ztunnel.mesh`, `io.ztunnel.policy`, `io.ztunnel.lifecycle`, the doors of
/// `io.ztunnel.worker`, `io.ztunnel.xds`.
/// Read in this order: [MeshWriter], [WorkloadTranslator], [ServiceTranslator], [PolicyTranslator].
@NullMarked
package io.ztunnel.feed;

import org.jspecify.annotations.NullMarked;
