package io.ztunnel.admin;

import io.netty.channel.EventLoopGroup;
import io.ztunnel.lifecycle.Readiness;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/// Answers the readiness probe (docs/spec/config-observability-dns.md 3.1).
public final class ReadinessServer implements AutoCloseable {
    private final HttpPort port;

    private ReadinessServer(HttpPort port) {
        this.port = port;
    }

    /// @throws IOException where the port cannot be bound
    public static ReadinessServer open(
            EventLoopGroup loop, InetSocketAddress address, Readiness readiness)
            throws IOException {
        return new ReadinessServer(
                HttpPort.open(loop, List.of(address), request -> answer(request, readiness)));
    }

    private static Answer answer(Request request, Readiness readiness) {
        if (!request.path().equals("/healthz/ready")) {
            return Answer.empty(404);
        }
        if (!request.is("GET")) {
            return Answer.empty(405);
        }
        String body = readiness.body();
        // One look: the body alone decides, so that it never contradicts the status.
        return Answer.text(body.equals("ready\n") ? 200 : 500, body);
    }

    public int port() {
        return port.port();
    }

    @Override
    public void close() {
        port.close();
    }
}
