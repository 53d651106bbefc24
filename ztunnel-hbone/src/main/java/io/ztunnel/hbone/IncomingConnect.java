package io.ztunnel.hbone;

import org.jspecify.annotations.Nullable;

/// A request that waits for its answer. Confined to the event loop of its tunnel.
///
/// HTTP/2 validity was checked (`docs/spec/dataplane.md` 3.2 row 0); method and authority mean
/// nothing yet.
public interface IncomingConnect {

    String method();

    /// `:authority` as it came; null when absent. A `host` header does not stand in for it.
    @Nullable String authority();

    /// First instance of a header, name in lower case; null when absent.
    @Nullable String first(String name);

    /// All instances of a header joined by commas; null when absent.
    @Nullable String joined(String name);

    /// All `baggage` instances joined by commas; null when absent.
    default @Nullable String baggage() {
        return joined("baggage");
    }

    /// Sends the 200 and opens the stream.
    ///
    /// @param baggage header of the answer; null for none
    /// @throws IllegalStateException on a second answer
    TunnelStream accept(@Nullable String baggage);

    /// Sends the status with END_STREAM; RST_STREAM(NO_ERROR) follows when the peer still sends.
    ///
    /// @throws IllegalStateException on a second answer
    void refuse(int status);

    /// Runs when the peer, or the tunnel, goes away before the answer; at once if it already has.
    /// Answering afterwards is harmless.
    void onAbandoned(Runnable action);

    Tunnel tunnel();
}
