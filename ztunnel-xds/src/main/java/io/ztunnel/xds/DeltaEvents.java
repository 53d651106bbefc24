package io.ztunnel.xds;

/// What happens on one stream, in this order: at most one [#onOpen], responses, one [#onEnd].
public interface DeltaEvents {

    /// The server has begun to answer.
    void onOpen();

    /// A response arrived. It is only valid during the call; the next one is not read from the
    /// network before the call returns.
    void onResponse(DeltaResponse response);

    /// The stream is over; nothing follows.
    void onEnd(StreamEnd end);
}
