/// What is known of the mesh, as it stands now?
///
/// Immutable facts: workloads, services, endpoints, waypoints, policies, and the snapshot of them.
/// No sockets, no clocks, no logging.
///
/// May use: `io.ztunnel.mesh.persistent`.
/// Read in this order: [SpiffeId], [Workload], [Service], [AuthorizationPolicy]; then
/// [MeshSnapshot], [MeshDelta], [Changes].
@NullMarked
package io.ztunnel.mesh;

import org.jspecify.annotations.NullMarked;
