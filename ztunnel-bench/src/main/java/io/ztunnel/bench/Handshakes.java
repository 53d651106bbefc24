package io.ztunnel.bench;

/// New connections of which each makes a full mutual TLS handshake.
///
/// A ztunnel is made to by `POOL_MAX_STREAMS_PER_CONNECTION=1` on the source's side, haproxy by
/// having resumption off. `dials` shows that it did: one connection between the pods for each.
record Handshakes(int parallel, int millis) implements Scenario {
    @Override
    public String name() {
        return "handshakes";
    }

    @Override
    public boolean appliesTo(Site site) {
        return site.handshakes().isPresent();
    }

    @Override
    public void measure(Site site, Samples samples) {
        Connections.measure(site.handshakes().orElseThrow(), parallel, millis, samples);
    }
}
