package io.ztunnel.bench;

/// Bytes in one direction as fast as they go, with iperf3.
///
/// @param down from the server to the client
record Bulk(String name, int streams, boolean down, int seconds) implements Scenario {
    @Override
    public void measure(Site site, Samples samples) {
        Lane lane = site.pooled();
        double before = lane.cpuSeconds();
        Iperf run = Iperf.run(lane, streams, down, seconds);
        double used = lane.cpuSeconds() - before;
        samples.add(Metric.BULK_RATE, run.bitsPerSecond() / 1e9);
        if (!lane.proxies().isEmpty()) {
            samples.add(Metric.CPU_PER_GB, used * 1e3 / (run.bytes() / 1e9));
        }
    }
}
