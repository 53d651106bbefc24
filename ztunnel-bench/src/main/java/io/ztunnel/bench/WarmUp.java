package io.ztunnel.bench;

/// The same work for every variant before anything counts: a virtual machine compiles what it has
/// seen, and a proxy opens the tunnels it will use.
final class WarmUp {
    private WarmUp() {}

    static void run(Site site, int seconds) {
        int millis = seconds * 1_000;
        Scenario.Samples nowhere = (metric, value) -> {};
        new Requests("", 16, millis).measure(site, nowhere);
        new Bulk("", 8, false, seconds).measure(site, nowhere);
        new Bulk("", 8, true, seconds).measure(site, nowhere);
        // Opening runs through far more code than moving bytes, and is called far less often.
        new Connections("", 16, 4 * millis).measure(site, nowhere);
        Handshakes handshakes = new Handshakes(16, 4 * millis);
        if (handshakes.appliesTo(site)) {
            handshakes.measure(site, nowhere);
        }
        site.neighbours()
                .ifPresent(
                        pods -> {
                            new Requests("", 16, millis).measure(pods.quiet(), nowhere);
                            Connections.measure(pods.noisy(), 16, millis, nowhere);
                        });
    }
}
