package io.ztunnel.bench;

import java.util.List;

/// One kind of work, measured once per variant and round.
interface Scenario {
    /// As `--only` and the tables know it.
    String name();

    /// Whether the proxies are started anew for it, so that it comes after everything that wants
    /// them warm.
    default boolean restartsProxies() {
        return false;
    }

    /// Whether this variant can be measured so.
    default boolean appliesTo(Site site) {
        return true;
    }

    /// Does the work once.
    ///
    /// @throws LabFailure when there is nothing to tell
    void measure(Site site, Samples samples);

    /// Where one measurement puts its numbers.
    interface Samples {
        void add(Metric metric, double value);
    }

    /// All of them, in the order of a round.
    static List<Scenario> all(BenchOptions options) {
        int millis = options.seconds() * 1_000;
        return List.of(
                new Bulk("bulk-1-up", 1, false, options.seconds()),
                new Bulk("bulk-1-down", 1, true, options.seconds()),
                new Bulk("bulk-8-up", 8, false, options.seconds()),
                new Bulk("bulk-8-down", 8, true, options.seconds()),
                new Requests("requests-1", 1, millis),
                new Requests("requests-16", 16, millis),
                new Requests("requests-64", 64, millis),
                new Mixed(options.seconds()),
                new Noisy(options.seconds()),
                new Connections("connections", 16, millis),
                new Handshakes(16, millis),
                new StartAndMemory(options.idleConnections()));
    }
}
