package io.ztunnel.xds;

import static io.ztunnel.xds.Responses.addresses;
import static io.ztunnel.xds.Responses.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.netty.pkitesting.X509Bundle;
import io.ztunnel.xds.ScriptedServer.ServerStream;
import io.ztunnel.xds.Subscription.Mode;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.discovery.Resource;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// What only shows over real sockets: TLS, credentials, sizes, and peers that break off.
@Timeout(120)
class GrpcDeltaTransportIT {
    private static final String ADDRESS = ResourceType.ADDRESS.typeUrl();
    private static final X509Bundle ROOT = ScriptedServer.authority();

    @TempDir Path files;

    private static ScriptedServer server() {
        return new ScriptedServer(ScriptedServer.serverCertificate(ROOT, "127.0.0.1"), 0);
    }

    private static TransportSettings to(URI address) {
        return TransportSettings.to(
                address,
                new TrustAnchors.Pem(ROOT.getCertificatePEM()),
                BearerToken.none(),
                Map.of("clusterid", "Kubernetes"));
    }

    private static LiveClient client(TransportSettings settings) {
        return new LiveClient(settings, Play.NODE, Mode.WILDCARD).start();
    }

    /// Polls the statistics until they fit.
    private static XdsStats until(LiveClient client, Predicate<XdsStats> condition) {
        long deadline = System.nanoTime() + 60_000_000_000L;
        XdsStats stats = client.stats();
        while (!condition.test(stats)) {
            assertThat(System.nanoTime()).as("deadline; last seen: " + stats).isLessThan(deadline);
            Thread.onSpinWait();
            stats = client.stats();
        }
        return stats;
    }

    private static long ends(XdsStats stats, StreamEnd.Reason reason) {
        return stats.terminations().getOrDefault(reason, 0L);
    }

    @Test
    void headersOfEachStreamAndTheTokenAsItIsThen() throws IOException {
        Path token = Files.writeString(files.resolve("token"), "first\n");
        try (ScriptedServer server = server()) {
            TransportSettings settings =
                    TransportSettings.to(
                            server.address(),
                            new TrustAnchors.Pem(ROOT.getCertificatePEM()),
                            BearerToken.inFile(token),
                            Map.of("clusterid", "c1", "x-extra", "value"));
            try (LiveClient client = client(settings)) {
                ServerStream first = server.accept();
                assertThat(first.header("authorization")).isEqualTo("Bearer first");
                assertThat(first.header("clusterid")).isEqualTo("c1");
                assertThat(first.header("x-extra")).isEqualTo("value");

                Files.writeString(token, "second");
                first.fail(Status.UNAUTHENTICATED.withDescription("token expired"));

                assertThat(server.accept().header("authorization")).isEqualTo("Bearer second");
                assertThat(ends(client.stats(), StreamEnd.Reason.CONNECTION_ERROR)).isEqualTo(1);
            }
        }
    }

    @Test
    void anEmptyTokenFileKeepsTryingUntilThereIsOne() throws IOException {
        Path token = Files.writeString(files.resolve("token"), "");
        try (ScriptedServer server = server()) {
            TransportSettings settings =
                    TransportSettings.to(
                            server.address(),
                            new TrustAnchors.Pem(ROOT.getCertificatePEM()),
                            BearerToken.inFile(token),
                            Map.of());
            try (LiveClient client = client(settings)) {
                XdsStats stats =
                        until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 2);
                assertThat(stats.lastEnd()).contains("the token file is empty");
                assertThat(server.hasStream()).isFalse();

                Files.writeString(token, "now");
                assertThat(server.accept().header("authorization")).isEqualTo("Bearer now");
            }
        }
    }

    @Test
    void aNewRootTakesEffectWithTheNextConnection() throws IOException {
        X509Bundle other = ScriptedServer.authority();
        Path root = Files.writeString(files.resolve("root.pem"), other.getCertificatePEM());
        try (ScriptedServer server = server()) {
            TransportSettings settings =
                    TransportSettings.to(
                            server.address(),
                            TrustAnchors.parse(root.toString()),
                            BearerToken.none(),
                            Map.of());
            try (LiveClient client = client(settings)) {
                until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 2);
                assertThat(server.hasStream()).isFalse();

                Files.writeString(root, other.getCertificatePEM() + ROOT.getCertificatePEM());
                assertThat(server.accept().request(ADDRESS).hasNode()).isTrue();
            }
        }
    }

    @Test
    void C7_aMissingRootIsTriedAgainAfterADelay() throws IOException {
        Path root = files.resolve("root.pem");
        try (ScriptedServer server = server()) {
            TransportSettings settings =
                    TransportSettings.to(
                            server.address(),
                            new TrustAnchors.InFile(root),
                            BearerToken.none(),
                            Map.of());
            try (LiveClient client = client(settings)) {
                XdsStats stats = until(client, s -> s.streamsOpened() >= 3);
                assertThat(stats.nextAttemptIn()).isPositive();
                Files.writeString(root, "text without a certificate");
                until(client, s -> s.lastEnd().contains("root"));
                Files.writeString(root, ROOT.getCertificatePEM());
                server.accept();
            }
        }
    }

    @Test
    void aServerOfAnotherNameIsRefusedUnlessTheSecondNameFits() {
        X509Bundle leaf = ScriptedServer.serverCertificate(ROOT, "istiod.istio-system.svc");
        try (ScriptedServer server = new ScriptedServer(leaf, 0)) {
            try (LiveClient client = client(to(server.address()))) {
                until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 2);
                assertThat(server.hasStream()).isFalse();
            }
            try (LiveClient client = client(withSecondName(server, "other.svc"))) {
                until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 2);
                assertThat(server.hasStream()).isFalse();
            }
            try (LiveClient client = client(withSecondName(server, "istiod.istio-system.svc"))) {
                assertThat(server.accept().request(ADDRESS).hasNode()).isTrue();
                assertThat(client.stats().streamsOpened()).isEqualTo(1);
            }
        }
    }

    @Test
    void aSecondNameDoesNotMakeAnUntrustedChainTrusted() {
        X509Bundle leaf =
                ScriptedServer.serverCertificate(ScriptedServer.authority(), "istiod.svc");
        try (ScriptedServer server = new ScriptedServer(leaf, 0);
                LiveClient client = client(withSecondName(server, "istiod.svc"))) {
            until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 2);
            assertThat(server.hasStream()).isFalse();
        }
    }

    private static TransportSettings withSecondName(ScriptedServer server, String name) {
        TransportSettings usual = to(server.address());
        return new TransportSettings(
                usual.address(),
                usual.trust(),
                name,
                usual.token(),
                usual.headers(),
                usual.allowTls12(),
                usual.connectTimeout(),
                usual.pingEvery(),
                usual.pingTimeout(),
                usual.largestMessageBytes());
    }

    @Test
    void nobodyListening() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0)) {
            free = socket.getLocalPort();
        }
        try (LiveClient client = client(to(URI.create("https://127.0.0.1:" + free)))) {
            until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 3);
        }
    }

    @Test
    void somebodyWhoDoesNotSpeakTls() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofPlatform().daemon().start(() -> answerWithText(socket));
            URI address = URI.create("https://127.0.0.1:" + socket.getLocalPort());
            try (LiveClient client = client(to(address))) {
                until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) >= 2);
            }
        }
    }

    private static void answerWithText(ServerSocket socket) {
        try {
            while (true) {
                try (var peer = socket.accept()) {
                    peer.getOutputStream()
                            .write("SSH-2.0-OpenSSH\r\n".getBytes(StandardCharsets.US_ASCII));
                }
            }
        } catch (IOException closed) {
            assert closed != null;
        }
    }

    @Test
    void eachEndOfAStreamHasItsReason() {
        try (ScriptedServer server = server();
                LiveClient client = client(to(server.address()))) {
            ServerStream stream = server.accept();
            stream.respond(addresses("1"));
            stream.complete();
            until(client, s -> ends(s, StreamEnd.Reason.COMPLETE) == 1);

            for (Status status : new Status[] {Status.UNKNOWN, Status.CANCELLED}) {
                stream = server.accept();
                stream.respond(addresses("1"));
                stream.fail(status);
            }
            until(client, s -> ends(s, StreamEnd.Reason.RECONNECT) == 2);

            stream = server.accept();
            stream.respond(addresses("1"));
            stream.fail(Status.UNAVAILABLE.withDescription("transport is closing"));
            until(client, s -> ends(s, StreamEnd.Reason.RECONNECT) == 3);

            stream = server.accept();
            stream.respond(addresses("1"));
            stream.fail(Status.ABORTED);
            until(client, s -> ends(s, StreamEnd.Reason.ERROR) == 1);

            server.accept().fail(Status.RESOURCE_EXHAUSTED);
            until(client, s -> ends(s, StreamEnd.Reason.CONNECTION_ERROR) == 1);
        }
    }

    @Test
    void garbageEndsTheStreamAndNotTheClient() {
        try (ScriptedServer server = server();
                LiveClient client = client(to(server.address()))) {
            ServerStream stream = server.accept();
            stream.respond(addresses("1", workload("w", "v")));
            stream.respond(new ByteArrayInputStream(new byte[] {(byte) 0xff, 1, 2, 3}));

            ServerStream next = server.accept();
            assertThat(next.request(ADDRESS).getInitialResourceVersionsMap()).containsOnlyKeys("w");
            stream.awaitEnd();
            XdsStats stats = client.stats();
            assertThat(stats.lastEnd()).contains("cannot be decoded");
            assertThat(ends(stats, StreamEnd.Reason.ERROR)).isEqualTo(1);
        }
    }

    @Test
    void aNackNamesTheBadResourceAndTheStreamGoesOn() {
        try (ScriptedServer server = server();
                LiveClient client = client(to(server.address()))) {
            ServerStream stream = server.accept();
            stream.request(ADDRESS);
            stream.respond(addresses("1", workload("good", "v"), Responses.garbage("bad", "v")));
            DeltaDiscoveryRequest nack = stream.request(ADDRESS);
            assertThat(nack.getResponseNonce()).isEqualTo("1");
            assertThat(nack.getErrorDetail().getMessage()).startsWith("bad: cannot be decoded");

            stream.respond(addresses("2", workload("bad", "v2")));
            assertThat(stream.request(ADDRESS).hasErrorDetail()).isFalse();
            assertThat(client.ask(() -> client.addresses.state().keySet()))
                    .containsExactlyInAnyOrder("good", "bad");
            assertThat(client.stats().streamsOpened()).isEqualTo(1);
        }
    }

    /// Longer than gRPC's least interval between two PINGs, 10 s.
    @Test
    @Tag("slow")
    void aPeerThatFallsSilentForGoodIsNoticedByItsMissingPong() {
        try (ScriptedServer server = server();
                CuttingRelay relay = new CuttingRelay(server.port());
                LiveClient client = client(pongWithin(Duration.ofSeconds(1), relay.address()))) {
            ServerStream stream = server.accept();
            stream.respond(addresses("1", workload("kept", "v")));
            stream.request(ADDRESS);
            stream.request(ADDRESS);
            relay.freeze();

            until(client, s -> s.streamsOpened() == 2);
            assertThat(server.accept().request(ADDRESS).getInitialResourceVersionsMap())
                    .containsOnlyKeys("kept");
            assertThat(client.ask(() -> client.addresses.state())).containsOnlyKeys("kept");
        }
    }

    private static TransportSettings pongWithin(Duration time, URI address) {
        TransportSettings usual = to(address);
        return new TransportSettings(
                usual.address(),
                usual.trust(),
                usual.secondName(),
                usual.token(),
                usual.headers(),
                usual.allowTls12(),
                usual.connectTimeout(),
                Duration.ofSeconds(10),
                time,
                usual.largestMessageBytes());
    }

    @Test
    void aConnectionResetInTheMiddleOfAMessageLosesNothing() {
        Resource[] many = workloads(20_000, "v1");
        try (ScriptedServer server = server();
                CuttingRelay relay = new CuttingRelay(server.port());
                LiveClient client = client(to(relay.address()))) {
            ServerStream stream = server.accept();
            stream.respond(addresses("1", workload("kept", "v")));
            stream.request(ADDRESS);
            stream.request(ADDRESS);
            relay.cutAfter(200_000);
            stream.respond(addresses("2", many));

            ServerStream next = server.accept();
            assertThat(next.request(ADDRESS).getInitialResourceVersionsMap())
                    .containsOnlyKeys("kept");
            next.respond(addresses("3", many));
            assertThat(next.request(ADDRESS).getResponseNonce()).isEqualTo("3");
            assertThat(client.ask(() -> client.addresses.state().size())).isEqualTo(20_001);
        }
    }

    @Test
    void aRestartedServerGetsAClaimOf40000ResourcesWithinItsLimitOf4MiB() {
        restart(40_000, 40_000);
    }

    @Test
    void C5_aRestartedServerGetsNoClaimAboveTheBoundAndTheStateIsSwept() {
        restart(60_000, 0);
    }

    private static void restart(int resources, int claimed) {
        X509Bundle leaf = ScriptedServer.serverCertificate(ROOT, "127.0.0.1");
        int port;
        LiveClient client;
        try (ScriptedServer before = new ScriptedServer(leaf, 0)) {
            port = before.port();
            client = client(to(before.address()));
            ServerStream stream = before.accept();
            stream.respond(addresses("1", workloads(resources, "0123456789abcdef")));
            stream.request(ADDRESS);
            assertThat(stream.request(ADDRESS).getResponseNonce()).isEqualTo("1");
        }
        try (client;
                ScriptedServer after = new ScriptedServer(leaf, port)) {
            ServerStream stream = after.accept();
            DeltaDiscoveryRequest opening = stream.request(ADDRESS);
            assertThat(opening.getInitialResourceVersionsCount()).isEqualTo(claimed);
            assertThat(opening.getSerializedSize()).isLessThan(4 << 20);
            DeltaDiscoveryResponse answer =
                    claimed == 0
                            ? addresses("2", workloads(resources - 1, "0123456789abcdef"))
                            : Responses.gone(ResourceType.ADDRESS, "2", name(resources - 1));
            stream.respond(answer);
            assertThat(stream.request(ADDRESS).getResponseNonce()).isEqualTo("2");
            assertThat(client.ask(() -> client.addresses.state().keySet()))
                    .hasSize(resources - 1)
                    .doesNotContain(name(resources - 1));
        }
    }

    private static Resource[] workloads(int count, String version) {
        return IntStream.range(0, count)
                .mapToObj(i -> workload(name(i), version))
                .toArray(Resource[]::new);
    }

    private static String name(int i) {
        return "Kubernetes//Pod/namespace-%04d/deployment-5f7b9c-%06d".formatted(i % 500, i);
    }

    @Test
    @Tag("slow")
    void aSnapshotOf200MiBIsTakenAndALargerOneIsRefusedWithAClearReason() {
        byte[] one =
                DeltaDiscoveryResponse.newBuilder()
                        .addResources(workload("Kubernetes//Pod/ns/pod", "v".repeat(9_000)))
                        .build()
                        .toByteArray();
        byte[] type =
                DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl(ADDRESS)
                        .setNonce("n")
                        .build()
                        .toByteArray();
        byte[] both = new byte[one.length + type.length];
        System.arraycopy(one, 0, both, 0, one.length);
        System.arraycopy(type, 0, both, one.length, type.length);
        try (ScriptedServer server = server();
                LiveClient client = client(to(server.address()))) {
            int times = (200 << 20) / both.length;
            ServerStream stream = server.accept();
            stream.request(ADDRESS);
            stream.respond(new RepeatedStream(both, times));
            assertThat(stream.request(ADDRESS).getResponseNonce()).isEqualTo("n");
            assertThat(client.ask(() -> client.addresses.batches().getFirst().size()))
                    .isEqualTo(times);

            stream.respond(new RepeatedStream(both, times + 1));
            XdsStats stats = until(client, s -> ends(s, StreamEnd.Reason.ERROR) == 1);
            assertThat(stats.lastEnd()).contains("exceeds maximum size");
        }
    }

    @Test
    void silenceBehindTheHandshakeIsNotTakenForAnAnswer() {
        try (ScriptedServer server = server();
                LiveClient client = client(to(server.address()))) {
            server.accept().request(ADDRESS);
            assertThat(client.stats().state()).isEqualTo(XdsStats.StreamState.CONNECTING);
        }
    }
}
