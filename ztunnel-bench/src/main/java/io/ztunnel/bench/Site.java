package io.ztunnel.bench;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The pods of one variant, with everything in them running.
///
/// @param pooled the ordinary way; connections share tunnels where the variant can
/// @param handshakes a way on which every connection makes a full mutual TLS handshake
/// @param neighbours two pods behind one daemon, where the variant can
record Site(
        Variant variant, Lane pooled, Optional<Lane> handshakes, Optional<Neighbours> neighbours) {
    static final int ECHO_PORT = 8080;
    static final int BULK_PORT = 5201;
    private static final Duration QUICKLY = Duration.ofSeconds(10);

    Site(Variant variant, Lane pooled, Optional<Lane> handshakes) {
        this(variant, pooled, handshakes, Optional.empty());
    }

    /// @param inPod ztunnels are on nodes, not in the pods
    /// @param authority signs for ztunnels; the others want none
    static Site build(Lab lab, Variant variant, boolean inPod, Optional<Authority> authority) {
        String name = variant.name();
        Pod source = lab.pod(name + "-src");
        Pod destination = lab.pod(name + "-dst");
        Agent load = Agent.start(lab, name + "-load", source);
        Agent server = Agent.start(lab, name + "-server", destination);
        server.ask(QUICKLY, "echo " + ECHO_PORT);
        List<String> iperf = List.of("iperf3", "-s", "-p", Integer.toString(BULK_PORT));
        lab.start(name + "-iperf3", destination, iperf, Map.of());
        Target echo = new Target(destination.address(), ECHO_PORT);
        Target bulk = new Target(destination.address(), BULK_PORT);
        server.ask(QUICKLY, "listening 127.0.0.1 " + BULK_PORT + " 5000");

        return switch (variant.kind()) {
            case DIRECT ->
                    new Site(
                            variant,
                            new Lane(source, load, echo, bulk, List.of()),
                            Optional.empty());
            case HAPROXY -> HaproxySite.build(lab, variant, source, load, destination, server);
            case ZTUNNEL -> {
                Pod unpooled = lab.pod(name + "-hs");
                Agent unpooledLoad = Agent.start(lab, name + "-hs-load", unpooled);
                List<Pod> node = List.of(lab.pod(name + "-quiet"), lab.pod(name + "-noisy"));
                ZtunnelProxies proxies =
                        new ZtunnelProxies(
                                lab,
                                variant,
                                authority.orElseThrow(),
                                inPod,
                                List.of(source, unpooled, node.getFirst(), node.getLast()),
                                destination);
                Proxy last = proxies.destination(destination, server);
                Proxy first = proxies.source(source, load);
                Proxy unpooledFirst = proxies.unpooledSource(unpooled, unpooledLoad);
                Lane pooled = new Lane(source, load, echo, bulk, List.of(first, last));
                yield new Site(
                        variant,
                        pooled,
                        Optional.of(
                                new Lane(
                                        unpooled,
                                        unpooledLoad,
                                        echo,
                                        bulk,
                                        List.of(unpooledFirst, last))),
                        Optional.of(Neighbours.build(lab, name, proxies, node, pooled)));
            }
        };
    }

    /// Starts all proxies, the last one first.
    void start() {
        pooled.proxies().reversed().forEach(Proxy::start);
        handshakes.ifPresent(
                lane ->
                        lane.proxies().stream()
                                .filter(proxy -> !pooled.proxies().contains(proxy))
                                .forEach(Proxy::start));
        neighbours.ifPresent(Neighbours::start);
    }
}
