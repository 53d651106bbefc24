/// Ports for humans and probes: readiness 15021, metrics 15020, administration 15000.
///
/// Everything here runs on one event loop of its own, `zt-admin`, so that neither a busy data path
/// starves the answers nor a large answer delays traffic. It reads only what is immutable or safe
/// to read from another thread.
///
/// May use: `worker`, `observe`, `mesh`, `lifecycle`.
/// Read in this order: [HttpPort], [Answer], [ReadinessServer], [MetricsServer], [AdminServer],
/// [ConfigDump].
@NullMarked
package io.ztunnel.admin;

import org.jspecify.annotations.NullMarked;
