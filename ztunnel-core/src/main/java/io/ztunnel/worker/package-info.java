/// What is at hand on one event loop?
///
/// A worker owns one loop, the newest snapshot, its metrics and its slice of every pod. Other
/// threads reach it through [WorkerMailbox] only.
///
/// May use: `mesh`, `policy`, `net`, `observe`, `relay`, `lifecycle`, `io.ztunnel.hbone`.
/// Read in this order: [Publication], [Worker], [WorkerMailbox], [PodSlice], [ConnectionTable],
/// [WorkerBudget], [Admission], [IdleSweep].
@NullMarked
package io.ztunnel.worker;

import org.jspecify.annotations.NullMarked;
