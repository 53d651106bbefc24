/// How does what others tell us become a version of the mesh?
///
/// Sources translate their form into facts; one writer applies them and publishes.
///
/// May use: `mesh`, `policy`, `lifecycle`, `worker`'s doors, `io.ztunnel.xds`.
/// Read in this order: [MeshWriter].
@NullMarked
package io.ztunnel.feed;

import org.jspecify.annotations.NullMarked;
