/// How does what others say become what we know?
///
/// Translates resources of the control plane and of a local file into domain records, refuses what
/// is malformed with the place where it is, and gives batches to the writer of the mesh, which
/// hands out snapshots. Generated messages do not leave this package.
///
/// May use: `io.ztunnel.mesh`, `policy`, `lifecycle`, the doors of `worker`, `io.ztunnel.xds`.
/// Read in this order: [MeshWriter], [WorkloadTranslator], [ServiceTranslator], [PolicyTranslator];
/// then [LocalFileFeed], [LocalFileContent], [LocalFileProblem].
@NullMarked
package io.ztunnel.feed;

import org.jspecify.annotations.NullMarked;
