package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// haproxy in two hops with mutual TLS between them: what a mesh of one-to-one connections costs.
///
/// Easier work than a ztunnel's: nothing is redirected and nobody's identity is judged, only that
/// the same authority signed. New connections may resume TLS sessions, except on the lane for
/// handshakes.
final class HaproxySite {
    private static final int ECHO_IN = 18080;
    private static final int BULK_IN = 15201;
    private static final int HANDSHAKE_IN = 18081;
    private static final int ECHO_TUNNEL = 15080;
    private static final int BULK_TUNNEL = 15202;
    private static final int HANDSHAKE_TUNNEL = 15081;

    private static final String COMMON =
            """
            global
              nbthread 2
              maxconn 8000
              ssl-default-bind-options ssl-min-ver TLSv1.3
              ssl-default-server-options ssl-min-ver TLSv1.3
            defaults
              mode tcp
              timeout connect 5s
              timeout client 1h
              timeout server 1h
            """;

    private HaproxySite() {}

    static Site build(
            Lab lab, Variant variant, Pod source, Agent load, Pod destination, Agent server) {
        TlsFiles tls = TlsFiles.create(lab.directory());
        String to = "ssl crt " + tls.identity() + " ca-file " + tls.root() + " verify required";
        String from = "ssl crt " + tls.identity() + " ca-file " + tls.root() + " verify required";
        String peer = destination.address() + ":";
        Path first =
                write(
                        lab.directory().resolve("haproxy-src.cfg"),
                        hop("echo", "127.0.0.1:" + ECHO_IN, "", peer + ECHO_TUNNEL, to)
                                + hop("bulk", "127.0.0.1:" + BULK_IN, "", peer + BULK_TUNNEL, to)
                                + hop(
                                        "handshakes",
                                        "127.0.0.1:" + HANDSHAKE_IN,
                                        "",
                                        peer + HANDSHAKE_TUNNEL,
                                        to + " no-ssl-reuse"));
        String echo = "127.0.0.1:" + Site.ECHO_PORT;
        Path last =
                write(
                        lab.directory().resolve("haproxy-dst.cfg"),
                        hop("echo", "*:" + ECHO_TUNNEL, from, echo, "")
                                + hop(
                                        "bulk",
                                        "*:" + BULK_TUNNEL,
                                        from,
                                        "127.0.0.1:" + Site.BULK_PORT,
                                        "")
                                + hop(
                                        "handshakes",
                                        "*:" + HANDSHAKE_TUNNEL,
                                        from + " no-tls-tickets",
                                        echo,
                                        ""));
        List<Proxy> proxies =
                List.of(
                        proxy(lab, variant, "src", source, first, load, ECHO_IN),
                        proxy(lab, variant, "dst", destination, last, server, ECHO_TUNNEL));
        Target bulk = new Target("127.0.0.1", BULK_IN);
        Lane shared = new Lane(source, load, new Target("127.0.0.1", ECHO_IN), bulk, proxies);
        Lane full = new Lane(source, load, new Target("127.0.0.1", HANDSHAKE_IN), bulk, proxies);
        return new Site(variant, shared, Optional.of(full));
    }

    private static Proxy proxy(
            Lab lab,
            Variant variant,
            String role,
            Pod pod,
            Path settings,
            Agent watcher,
            int port) {
        List<String> words = List.of("haproxy", "-db", "-f", settings.toString());
        String name = variant.name() + "-" + role;
        String ready = "listening 127.0.0.1 " + port;
        return new Proxy(lab, name, pod, words, Map.of(), watcher, ready);
    }

    private static String hop(
            String name, String listen, String listenOptions, String connect, String options) {
        return """
        listen %s
          bind %s %s
          server next %s %s
        """
                .formatted(name, listen, listenOptions, connect, options);
    }

    private static Path write(Path file, String hops) {
        try {
            return Files.writeString(file, COMMON + hops);
        } catch (IOException problem) {
            throw new LabFailure("cannot write " + file, problem);
        }
    }
}
