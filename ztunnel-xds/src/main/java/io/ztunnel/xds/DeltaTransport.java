package io.ztunnel.xds;

/// Opens delta streams (door). Knows bytes, TLS and credentials; knows no protocol.
public interface DeltaTransport {

    /// Starts one attempt over a connection of its own. Never throws and never calls `events`
    /// before it has returned: a failure to connect is the end of the stream.
    ///
    /// Called on the client's owner thread; `events` are called there too, one at a time.
    DeltaStream open(DeltaEvents events);
}
