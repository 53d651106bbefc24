package io.ztunnel.bench;

import java.util.List;
import java.util.Map;

/// Two pods of one node, served by one daemon in shared mode.
///
/// @param stalling a second program in the noisy pod
record Neighbours(Lane quiet, Lane noisy, Agent stalling) {

    static Neighbours build(
            Lab lab, String variant, ZtunnelProxies proxies, List<Pod> pods, Lane to) {
        Pod quiet = pods.getFirst();
        Pod noisy = pods.getLast();
        Proxy shared = proxies.node("both", pods, ZtunnelProxies.SOURCE, Map.of());
        List<Proxy> way = List.of(shared, to.proxies().getLast());
        Agent load = Agent.start(lab, variant + "-quiet-load", quiet);
        Agent noise = Agent.start(lab, variant + "-noisy-load", noisy);
        return new Neighbours(
                new Lane(quiet, load, to.echo(), to.bulk(), way),
                new Lane(noisy, noise, to.echo(), to.bulk(), way),
                Agent.start(lab, variant + "-noisy-stall", noisy));
    }

    /// Starts the daemon of the node; the other end is running.
    void start() {
        quiet.proxies().getFirst().start();
    }

    /// One half of a measurement: what the quiet pod gets.
    Map<String, Double> ask(int connections, int millis) {
        quiet.requireAlive();
        return Requests.ask(quiet, connections, millis);
    }
}
