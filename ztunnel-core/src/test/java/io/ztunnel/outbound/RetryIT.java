package io.ztunnel.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// What becomes of connections whose endpoint cannot be reached (docs/spec/dataplane.md 2.8), with
/// real sockets and without tunnels. With tunnels: `RetryNetnsIT` of [io.ztunnel.node].
@Timeout(60)
class RetryIT {
    private static final OutboundSettings.Retry USUAL =
            new OutboundSettings.Retry(
                    3, Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofMinutes(5));

    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T open(T part) {
        opened.add(part);
        return part;
    }

    private OutboundBench bench(OutboundSettings.Retry retry) throws Exception {
        return open(new OutboundBench(retry));
    }

    /// A service whose endpoints are at these addresses, all at one port.
    private static MeshSnapshot service(OutboundBench bench, int port, String... addresses) {
        MeshKit kit = bench.mesh();
        for (String address : addresses) {
            kit.workload("w" + address).at(address).backs("svc", bench.port(), port).end();
        }
        return kit.service("svc").vip(OutboundBench.VIP).ports(bench.port(), port).snapshot();
    }

    private static void roundTrip(OutboundBench bench) throws IOException {
        try (Socket socket = bench.connect()) {
            socket.getOutputStream().write("hello".getBytes(US_ASCII));
            socket.shutdownOutput();
            assertThat(socket.getInputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("hello");
        }
    }

    private static void isRefused(OutboundBench bench) {
        assertThatThrownBy(
                        () -> {
                            try (Socket socket = bench.connect()) {
                                socket.getOutputStream().write(1);
                                if (socket.getInputStream().read() < 0) {
                                    throw new SocketException("ended");
                                }
                            }
                        })
                .isInstanceOf(IOException.class);
    }

    private static void eventually(String what, BooleanSupplier holds) {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline).as(what).isNegative();
            LockSupport.parkNanos(2_000_000);
        }
    }

    @Test
    void aDeadEndpointCostsOneConnectionADetourAndNobodyAByte() throws Exception {
        ServerSocket alive = open(OutboundBench.echo("127.77.0.3", 0));
        OutboundBench bench = bench(USUAL);
        bench.publish(service(bench, alive.getLocalPort(), "127.77.0.2", "127.77.0.3"));

        for (int i = 0; i < 60; i++) {
            roundTrip(bench);
        }

        eventually("all lines", () -> bench.told.lines("connection complete").size() == 60);
        assertThat(bench.told.lines("error=")).isEmpty();
        assertThat(bench.told.lines("attempts=2"))
                .singleElement()
                .asString()
                .contains("dst.addr=127.77.0.3:", "bytes_sent=5 bytes_recv=5");
        assertThat(bench.told.metric("ztunnel_connect_retries_total")).isEqualTo(1);
        assertThat(bench.told.metric("ztunnel_connect_rescued_total")).isEqualTo(1);
        assertThat(bench.told.metric("ztunnel_endpoints_avoided_total")).isEqualTo(1);
        assertThat(bench.told.metric("istio_tcp_connections_opened_total"))
                .isEqualTo(bench.told.metric("istio_tcp_connections_closed_total"));
    }

    @Test
    void whereAllAreDeadTheBudgetEndsItAndTheLastReasonIsTold() throws Exception {
        ServerSocket closed = OutboundBench.echo("127.77.0.9", 0);
        closed.close();
        OutboundBench bench = bench(USUAL);
        bench.publish(
                service(
                        bench,
                        closed.getLocalPort(),
                        "127.77.0.2",
                        "127.77.0.3",
                        "127.77.0.4",
                        "127.77.0.5"));

        isRefused(bench);

        eventually("the line", () -> !bench.told.lines("connection complete").isEmpty());
        assertThat(bench.told.lines("connection complete"))
                .singleElement()
                .asString()
                .contains("error=\"io error: Connection refused", " attempts=3");
        assertThat(bench.told.metric("ztunnel_connect_retries_total")).isEqualTo(2);
        assertThat(bench.told.metric("ztunnel_connect_rescued_total")).isZero();
        // Everybody is avoided, and is tried all the same where nobody else is.
        isRefused(bench);
        isRefused(bench);
        eventually("the lines", () -> bench.told.lines("connection complete").size() == 3);
        assertThat(bench.told.metric("ztunnel_endpoints_avoided_total")).isEqualTo(4);
    }

    @Test
    void oneAttemptAndNoTimeSwitchItOff() throws Exception {
        ServerSocket alive = open(OutboundBench.echo("127.77.0.3", 0));
        OutboundBench bench =
                bench(
                        new OutboundSettings.Retry(
                                1, Duration.ofSeconds(10), Duration.ofSeconds(4), Duration.ZERO));
        bench.publish(service(bench, alive.getLocalPort(), "127.77.0.2", "127.77.0.3"));

        int refused = 0;
        for (int i = 0; i < 60; i++) {
            try {
                roundTrip(bench);
            } catch (IOException | AssertionError failed) {
                refused++;
            }
        }

        assertThat(refused).isBetween(10, 50);
        assertThat(bench.told.lines("attempts=")).isEmpty();
        assertThat(bench.told.metric("ztunnel_endpoints_avoided_total")).isZero();
    }

    @Test
    void afterTheWindowNobodyElseIsTried() throws Exception {
        OutboundBench bench =
                bench(
                        new OutboundSettings.Retry(
                                3, Duration.ZERO, Duration.ofSeconds(4), Duration.ZERO));
        ServerSocket closed = OutboundBench.echo("127.77.0.9", 0);
        closed.close();
        bench.publish(service(bench, closed.getLocalPort(), "127.77.0.2", "127.77.0.3"));

        isRefused(bench);

        eventually("the line", () -> !bench.told.lines("connection complete").isEmpty());
        assertThat(bench.told.lines("attempts=")).isEmpty();
    }

    /// Takes no connection any more: its queue is full, so the kernel does not answer.
    private ServerSocketChannel silent(String address, int port) throws Exception {
        ServerSocketChannel server = open(ServerSocketChannel.open());
        server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        server.bind(new InetSocketAddress(InetAddress.getByName(address), port), 1);
        for (int i = 0; i < 4; i++) {
            SocketChannel filler = open(SocketChannel.open());
            filler.configureBlocking(false);
            filler.connect(server.getLocalAddress());
        }
        return server;
    }

    @Test
    void aSilentEndpointIsGivenUpForAnother() throws Exception {
        ServerSocket alive = open(OutboundBench.echo("127.77.0.3", 0));
        silent("127.77.0.2", alive.getLocalPort());
        OutboundBench bench =
                bench(
                        new OutboundSettings.Retry(
                                3,
                                Duration.ofSeconds(10),
                                Duration.ofMillis(200),
                                Duration.ofMinutes(5)));
        bench.publish(service(bench, alive.getLocalPort(), "127.77.0.2", "127.77.0.3"));

        for (int i = 0; i < 30; i++) {
            roundTrip(bench);
        }

        eventually("all lines", () -> bench.told.lines("connection complete").size() == 30);
        assertThat(bench.told.lines("attempts=2")).hasSize(1);
        assertThat(bench.told.lines("error=")).isEmpty();
    }

    @Test
    void aSilentEndpointIsWaitedForWhereItIsTheOnlyOne() throws Exception {
        ServerSocketChannel silent = silent("127.77.0.2", 0);
        int port = ((InetSocketAddress) silent.getLocalAddress()).getPort();
        OutboundBench bench =
                bench(
                        new OutboundSettings.Retry(
                                3,
                                Duration.ofSeconds(10),
                                Duration.ofMillis(50),
                                Duration.ofMinutes(5)));
        bench.publish(service(bench, port, "127.77.0.2"));
        try (Socket socket = bench.connect()) {
            socket.getOutputStream().write("hello".getBytes(US_ASCII));
            // The kernel tries again after a second.
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    while (true) {
                                        SocketChannel one = silent.accept();
                                        Thread.ofVirtual()
                                                .start(() -> io.ztunnel.node.Application.echo(one));
                                    }
                                } catch (IOException over) {
                                    // The test is over.
                                }
                            });
            assertThat(socket.getInputStream().readNBytes(5)).asString(US_ASCII).isEqualTo("hello");
        }
        eventually("the line", () -> !bench.told.lines("connection complete").isEmpty());
        assertThat(bench.told.lines("attempts=")).isEmpty();
        assertThat(bench.told.metric("ztunnel_endpoints_avoided_total")).isZero();
    }

    @Test
    void whatIsOursToFixIsNotTriedElsewhere() throws Exception {
        OutboundBench bench = bench(USUAL);
        MeshKit kit = bench.mesh();
        for (String address : new String[] {"127.77.0.2", "127.77.0.3"}) {
            kit.workload("w" + address).at(address).hbone().backs("svc", bench.port(), 8080).end();
        }
        bench.publish(
                kit.service("svc").vip(OutboundBench.VIP).ports(bench.port(), 8080).snapshot());

        isRefused(bench);

        eventually("the line", () -> !bench.told.lines("identity error").isEmpty());
        assertThat(bench.told.lines("attempts=")).isEmpty();
        assertThat(bench.told.metric("ztunnel_endpoints_avoided_total")).isZero();
    }

    @Test
    void anUnresolvedHostNameLeavesTheOthers() throws Exception {
        ServerSocket alive = open(OutboundBench.echo("127.77.0.3", 0));
        OutboundBench bench = bench(USUAL);
        MeshKit kit = bench.mesh();
        kit.workload("named")
                .named("nowhere.example")
                .backs("svc", bench.port(), alive.getLocalPort())
                .workload("w")
                .at("127.77.0.3")
                .backs("svc", bench.port(), alive.getLocalPort())
                .end();
        bench.publish(
                kit.service("svc")
                        .vip(OutboundBench.VIP)
                        .ports(bench.port(), alive.getLocalPort())
                        .snapshot());

        for (int i = 0; i < 30; i++) {
            roundTrip(bench);
        }

        eventually("all lines", () -> bench.told.lines("connection complete").size() == 30);
        assertThat(bench.told.metric("ztunnel_connect_rescued_total")).isEqualTo(1);
    }
}
