/// What is known of the mesh, as it stands now?
///
/// Immutable facts: workloads, services, endpoints, waypoints, policies, and the snapshot that
// holds
/// them. No sockets, no clocks, no logging.
///
/// May use: nothing of ours.
/// Read in this order: [SpiffeId], [Workload], [Service], [AuthorizationPolicy].
@NullMarked
package io.ztunnel.mesh;

import org.jspecify.annotations.NullMarked;
