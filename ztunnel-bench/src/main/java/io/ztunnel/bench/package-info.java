/// How fast, how heavy and how quick to start is the daemon, beside no proxy, haproxy and another
/// ztunnel?
///
/// One command makes namespaces, starts two proxies of each kind in them, measures them in
/// alternated rounds and removes everything. It drives the daemons from outside only: processes,
/// sockets and `/proc`.
///
/// May use: `io.ztunnel.bench.load`, the local test authority of ztunnel-ca-client, Jackson, JMH.
/// Read in this order: [Bench], [BenchRun], [Scenario], [Site], [ZtunnelPair], [Lab].
@NullMarked
package io.ztunnel.bench;

import org.jspecify.annotations.NullMarked;
