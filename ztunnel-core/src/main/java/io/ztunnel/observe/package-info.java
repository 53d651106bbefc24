/// What we tell operators.
///
/// A connection's life is told by its [ConnectionRecord] alone: counters on its worker's
/// [MetricsShard], one line in the [AccessLog]. Lines travel to standard output through the
/// [LogWriter], which drops rather than blocks. [Metrics] gathers the shards for a scrape.
///
/// May use: `mesh`, `route`, `relay`.
/// Read in this order: [ConnectionDescription], [ConnectionRecord], [Observer], [AccessLog],
/// [TrafficSeries], [MetricsShard], [MetricsExposition], [LogFilter], [Logging].
@NullMarked
package io.ztunnel.observe;

import org.jspecify.annotations.NullMarked;
