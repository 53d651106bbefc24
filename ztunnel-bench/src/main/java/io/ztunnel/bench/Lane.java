package io.ztunnel.bench;

import java.util.List;

/// A way from one client to the applications of the destination pod, and the proxies on it.
///
/// @param load the program in the client's pod
/// @param echo where it reaches the echo server
/// @param bulk where it reaches the iperf3 server
/// @param proxies what the bytes pass, in that order; none for a direct way
record Lane(Pod source, Agent load, Target echo, Target bulk, List<Proxy> proxies) {
    /// CPU seconds of all proxies on the way, since each was started.
    double cpuSeconds() {
        return proxies.stream().mapToDouble(proxy -> proxy.daemon().cpuSeconds()).sum();
    }

    /// Resident memory in bytes of one proxy, the mean of those on the way.
    double residentBytes() {
        return proxies.stream()
                .mapToDouble(proxy -> proxy.daemon().residentBytes())
                .average()
                .orElse(0);
    }

    void requireAlive() {
        proxies.forEach(Proxy::daemon);
    }
}
