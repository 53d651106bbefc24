/// How do we stay subscribed to what the control plane knows?
///
/// Delta xDS for any resource type over any transport: versions, nonces, acknowledgements,
/// subscriptions, resumption and back-off live in [DeltaClient]; bytes and TLS live behind
/// [DeltaTransport]. What a resource means is the business of the [ResourceSink] that receives it.
///
/// Threads: a client and everything it calls run on the one executor it is given. gRPC's own thread
/// (`zt-xds`) only moves bytes.
///
/// May use: nothing of ours. Messages of the wire are in `io.ztunnel.xds.proto`.
/// Read in this order: [DeltaClient], [Subscription], [ResourceSink], [DeltaTransport],
/// [DeltaResponse].
@NullMarked
package io.ztunnel.xds;

import org.jspecify.annotations.NullMarked;
