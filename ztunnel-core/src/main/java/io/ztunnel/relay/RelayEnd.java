package io.ztunnel.relay;

/// How a relay ended.
public sealed interface RelayEnd {

    /// Both directions ran to their end.
    record BothFinished() implements RelayEnd {}

    /// A direction failed; the text is the one of docs/spec/config-observability-dns.md 5.6.
    record Failed(String text) implements RelayEnd {}

    RelayEnd FINISHED = new BothFinished();
}
