package io.ztunnel.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.ztunnel.lifecycle.Hold;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.observe.LogFilter;
import io.ztunnel.observe.LogFormat;
import io.ztunnel.observe.LogWriter;
import io.ztunnel.observe.Logging;
import io.ztunnel.observe.Metrics;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// docs/spec/config-observability-dns.md 2 and 3, over real sockets.
@Timeout(30)
class ServersIT {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void end() {
        client.close();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void readiness() throws Exception {
        Readiness readiness = new Readiness();
        try (ReadinessServer server = ReadinessServer.open(loop, ANY_PORT, readiness)) {
            try (Hold _ = readiness.hold("proxy")) {
                HttpResponse<String> red = send("GET", server.port(), "/healthz/ready");
                assertThat(red.statusCode()).isEqualTo(500);
                assertThat(red.body()).isEqualTo("not ready, pending: proxy\n");
            }
            HttpResponse<String> green = send("GET", server.port(), "/healthz/ready");
            assertThat(green.statusCode()).isEqualTo(200);
            assertThat(green.body()).isEqualTo("ready\n");
            assertThat(green.headers().firstValue("content-type")).hasValue("text/plain");
            assertThat(send("POST", server.port(), "/healthz/ready").statusCode()).isEqualTo(405);
            assertThat(send("GET", server.port(), "/").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void metricsNegotiateTheirNameOnly() throws Exception {
        try (MetricsServer server = MetricsServer.open(loop, ANY_PORT, new Metrics("1", null))) {
            HttpResponse<String> plain = send("GET", server.port(), "/metrics");
            assertThat(plain.headers().firstValue("content-type"))
                    .hasValue("text/plain; charset=utf-8");
            assertThat(plain.body()).contains("# TYPE istio_build gauge\n").endsWith("# EOF\n");
            HttpResponse<String> open =
                    send(
                            "GET",
                            server.port(),
                            "/stats/prometheus",
                            "Accept",
                            "text/html, application/openmetrics-text;version=1.0.0;q=0.5");
            assertThat(open.headers().firstValue("content-type"))
                    .hasValue("application/openmetrics-text;charset=utf-8;version=1.0.0");
            assertThat(
                            send("GET", server.port(), "/metrics", "Accept-Encoding", "gzip")
                                    .headers()
                                    .firstValue("content-encoding"))
                    .hasValue("gzip");
            assertThat(send("GET", server.port(), "/other").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void administration() throws Exception {
        AtomicInteger quits = new AtomicInteger();
        try (LogWriter writer = new LogWriter(OutputStream.nullOutputStream(), LogFormat.PLAIN)) {
            Logging logging = Logging.start(writer, LogFormat.PLAIN, LogFilter.parse("info"));
            try (AdminServer server =
                    AdminServer.open(
                            loop,
                            List.of(ANY_PORT),
                            new ConfigDump(),
                            logging,
                            quits::incrementAndGet)) {
                int port = server.port();
                assertThat(send("GET", port, "/").body()).contains("config_dump");
                assertThat(send("GET", port, "/config_dump").body())
                        .isEqualTo(
                                """
                                {
                                  "certificates": [],
                                  "config": {},
                                  "policies": [],
                                  "services": [],
                                  "stagedServices": {},
                                  "staticConfig": {
                                    "policies": [],
                                    "services": [],
                                    "workloads": []
                                  },
                                  "version": {},
                                  "workloadState": {},
                                  "workloads": []
                                }\
                                """
                                        .replace("\r", ""));
                assertThat(send("GET", port, "/quitquitquit").statusCode()).isEqualTo(405);
                assertThat(quits).hasValue(0);
                assertThat(send("POST", port, "/quitquitquit").body()).isEqualTo("shutdown now\n");
                assertThat(quits).hasValue(1);
                assertThat(send("GET", port, "/logging").statusCode()).isEqualTo(405);
                assertThat(send("POST", port, "/logging?level=access=debug,warn").body())
                        .isEqualTo(
                                "current log level is"
                                        + " hickory_server::server=off,access=debug,warn\n");
                assertThat(send("POST", port, "/logging?level=x:y").statusCode()).isEqualTo(400);
                assertThat(send("POST", port, "/logging?reset").body())
                        .isEqualTo("current log level is hickory_server::server=off,info\n");
                assertThat(send("GET", port, "/debug/pprof/profile?seconds=301").body())
                        .isEqualTo("invalid seconds value; expected 1-300\n");
            }
        }
    }

    @Test
    void administrationIsForLoopbackOnly() {
        assertThatThrownBy(
                        () ->
                                AdminServer.open(
                                        loop,
                                        List.of(new InetSocketAddress("0.0.0.0", 0)),
                                        new ConfigDump(),
                                        null,
                                        () -> {}))
                .isInstanceOf(IOException.class);
    }

    @Test
    void headersThatAreTooLongOrTooSlowEndTheConnection() throws Exception {
        try (ReadinessServer server = ReadinessServer.open(loop, ANY_PORT, new Readiness())) {
            try (Socket slow = new Socket("127.0.0.1", server.port())) {
                slow.getOutputStream().write("GET /hea".getBytes(StandardCharsets.US_ASCII));
                assertThat(slow.getInputStream().read()).isEqualTo(-1);
            }
            assertThat(
                            send("GET", server.port(), "/healthz/ready", "X", "y".repeat(9000))
                                    .statusCode())
                    .isEqualTo(431);
        }
    }

    @Test
    void aTakenPortIsNamed() throws Exception {
        try (ReadinessServer server = ReadinessServer.open(loop, ANY_PORT, new Readiness())) {
            InetSocketAddress taken = new InetSocketAddress("127.0.0.1", server.port());
            assertThatThrownBy(() -> ReadinessServer.open(loop, taken, new Readiness()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(String.valueOf(server.port()));
        }
    }

    private HttpResponse<String> send(String method, int port, String path, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .version(HttpClient.Version.HTTP_1_1)
                        .method(method, HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
