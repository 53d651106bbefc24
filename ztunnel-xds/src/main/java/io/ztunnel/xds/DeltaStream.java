package io.ztunnel.xds;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;

/// The sending half of one attempt. Calls after its end have no effect.
public interface DeltaStream {

    /// Queues a request; it may be sent before the connection stands.
    void send(DeltaDiscoveryRequest request);

    /// Gives the stream and its connection up at once. No event follows.
    void cancel(String reason);
}
