package io.ztunnel.admin;

import io.netty.channel.EventLoopGroup;
import io.ztunnel.observe.Metrics;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;

/// Answers scrapes (docs/spec/config-observability-dns.md 3.2). The text is OpenMetrics whatever
/// was accepted; only its name differs.
public final class MetricsServer implements AutoCloseable {
    private static final String OPEN_METRICS =
            "application/openmetrics-text;charset=utf-8;version=1.0.0";
    private static final String PLAIN = "text/plain; charset=utf-8";

    private final HttpPort port;

    private MetricsServer(HttpPort port) {
        this.port = port;
    }

    /// @throws IOException where the port cannot be bound
    public static MetricsServer open(
            EventLoopGroup loop, InetSocketAddress address, Metrics metrics) throws IOException {
        return new MetricsServer(
                HttpPort.open(loop, List.of(address), request -> answer(request, metrics)));
    }

    private static Answer answer(Request request, Metrics metrics) {
        return switch (request.path()) {
            case "/metrics", "/stats/prometheus" ->
                    Answer.of(contentType(request.accept()), metrics.expose());
            default -> Answer.empty(404);
        };
    }

    /// Any element of any `Accept` header decides; parameters and weights do not matter.
    static String contentType(List<String> accept) {
        for (String header : accept) {
            for (String element : header.split(",")) {
                String mediaType = element.split(";")[0].strip().toLowerCase(Locale.ROOT);
                if (mediaType.equals("application/openmetrics-text")) {
                    return OPEN_METRICS;
                }
            }
        }
        return PLAIN;
    }

    public int port() {
        return port.port();
    }

    @Override
    public void close() {
        port.close();
    }
}
