package io.ztunnel.xds;

/// What a client wants to know of one resource type, and who takes it.
public record Subscription<T>(ResourceType<T> type, Mode mode, ResourceSink<T> sink) {

    /// Everything there is, or only what [DeltaClient#lookUp] asks for.
    public enum Mode {
        WILDCARD,
        ON_DEMAND
    }

    public static <T> Subscription<T> toAll(ResourceType<T> type, ResourceSink<T> sink) {
        return new Subscription<>(type, Mode.WILDCARD, sink);
    }

    public static <T> Subscription<T> onDemand(ResourceType<T> type, ResourceSink<T> sink) {
        return new Subscription<>(type, Mode.ON_DEMAND, sink);
    }
}
