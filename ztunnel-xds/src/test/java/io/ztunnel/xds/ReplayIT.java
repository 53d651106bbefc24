package io.ztunnel.xds;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import io.grpc.Status;
import io.netty.pkitesting.X509Bundle;
import io.ztunnel.xds.ScriptedServer.ServerStream;
import io.ztunnel.xds.Vectors.Event;
import io.ztunnel.xds.Vectors.Scenario;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Each recorded conversation again, with a real gRPC server in the part of istiod: the requests
/// must be the recorded ones, and after each step the sinks must hold the recorded names.
///
/// What differs on purpose is in [KnownDifferences].
class ReplayIT {
    private static final X509Bundle AUTHORITY = ScriptedServer.authority();

    static Stream<Scenario> scenarios() {
        return Vectors.scenarios();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scenarios")
    @Timeout(60)
    void requestsAndStateAreTheRecordedOnes(Scenario scenario) {
        try (ScriptedServer server =
                new ScriptedServer(ScriptedServer.serverCertificate(AUTHORITY, "127.0.0.1"), 0)) {
            new Replay(scenario, server).run();
        }
    }

    private static final class Replay {
        private final Scenario scenario;
        private final ScriptedServer server;
        private final DeltaDiscoveryRequest opening;
        private final Map<String, Set<String>> refusedByNonce;
        private final Map<Integer, ServerStream> streams = new HashMap<>();
        private final KnownDifferences differences = new KnownDifferences();

        Replay(Scenario scenario, ScriptedServer server) {
            this.scenario = scenario;
            this.server = server;
            this.opening =
                    scenario.request(
                            scenario.events().stream()
                                    .filter(event -> event.direction().equals("request"))
                                    .findFirst()
                                    .orElseThrow());
            this.refusedByNonce = KnownDifferences.refusals(scenario);
        }

        void run() {
            boolean onDemand = opening.getResourceNamesSubscribeList().contains("*");
            Event first = scenario.events().getFirst();
            String token = first.headers().path("authorization").asText();
            TransportSettings transport =
                    TransportSettings.to(
                            server.address(),
                            new TrustAnchors.Pem(AUTHORITY.getCertificatePEM()),
                            token.isBlank() || token.equals("Bearer ")
                                    ? BearerToken.none()
                                    : BearerToken.fixed(token.substring("Bearer ".length())),
                            Map.of("clusterid", first.headers().path("clusterid").asText()));
            try (LiveClient live =
                    new LiveClient(
                            transport,
                            KnownDifferences.nodeOf(opening),
                            onDemand ? Subscription.Mode.ON_DEMAND : Subscription.Mode.WILDCARD)) {
                live.start();
                String step = first.step();
                for (Event event : scenario.events()) {
                    if (!event.step().equals(step)) {
                        compareState(live, step);
                        step = event.step();
                    }
                    play(live, event);
                }
                compareState(live, step);
                for (ServerStream stream : streams.values()) {
                    // A refused stream may end before its second opening request was recorded.
                    assertThat(stream.leftOver())
                            .as("asked for")
                            .allMatch(DeltaDiscoveryRequest::hasNode);
                }
            }
        }

        private void play(LiveClient live, Event event) {
            switch (event.event()) {
                case "stream-opened" -> {
                    ServerStream stream = server.accept();
                    streams.put(event.stream(), stream);
                    for (String name : Set.of("authorization", "clusterid", "content-type")) {
                        assertThat(stream.header(name)).as(name).isEqualTo(header(event, name));
                    }
                }
                case "stream-closed" ->
                        streams.get(event.stream())
                                .fail(status(event).withDescription(event.grpcMessage()));
                default -> message(live, event);
            }
        }

        /// Without a token the reference sends the word alone, this client no header.
        private static String header(Event event, String name) {
            String value = event.headers().path(name).asText(null);
            return "Bearer ".equals(value) ? null : value;
        }

        private void message(LiveClient live, Event event) {
            ServerStream stream = streams.get(event.stream());
            if (event.direction().equals("response")) {
                DeltaDiscoveryResponse response = scenario.response(event);
                Set<String> refused = refusedByNonce.getOrDefault(response.getNonce(), Set.of());
                live.ask(
                        () -> {
                            live.addresses.verdict =
                                    (name, any) -> refused.contains(name) ? "refused" : null;
                            live.policies.verdict =
                                    (name, any) -> refused.contains(name) ? "refused" : null;
                            return null;
                        });
                differences.note(response);
                stream.respond(response);
                return;
            }
            DeltaDiscoveryRequest expected = scenario.request(event);
            boolean demand =
                    expected.getResourceNamesSubscribeCount() == 1
                            && expected.getResourceNamesUnsubscribeCount() == 0;
            if (demand) {
                String key = expected.getResourceNamesSubscribe(0);
                var end = live.client.lookUp(ResourceType.ADDRESS, key);
                if (differences.known(key)) {
                    assertThat(end.orTimeout(20, TimeUnit.SECONDS).join())
                            .isEqualTo(LookupEnd.ABSENT);
                    return;
                }
            }
            DeltaDiscoveryRequest actual = stream.request(expected.getTypeUrl());
            assertThat(KnownDifferences.comparable(actual))
                    .isEqualTo(differences.expected(expected));
        }

        private void compareState(LiveClient live, String step) {
            JsonNode state = scenario.state(step);
            if (state == null) {
                return;
            }
            Set<String> addresses = new TreeSet<>();
            state.path("workloads").forEach(each -> addresses.add(each.path("uid").asText()));
            state.path("services")
                    .forEach(
                            each ->
                                    addresses.add(
                                            each.path("namespace").asText()
                                                    + "/"
                                                    + each.path("hostname").asText()));
            Set<String> policies = new TreeSet<>();
            state.path("policies")
                    .forEach(
                            each ->
                                    policies.add(
                                            each.path("namespace").asText()
                                                    + "/"
                                                    + each.path("name").asText()));
            assertThat(live.ask(() -> new TreeSet<>(live.addresses.state().keySet())))
                    .as("workloads and services after " + step)
                    .isEqualTo(addresses);
            assertThat(live.ask(() -> new TreeSet<>(live.policies.state().keySet())))
                    .as("policies after " + step)
                    .isEqualTo(policies);
        }

        private static Status status(Event closed) {
            String name = closed.grpcStatus().replaceAll("(?<=[a-z])(?=[A-Z])", "_");
            String code = name.equals("Canceled") ? "CANCELLED" : name.toUpperCase(Locale.ROOT);
            return Status.fromCode(Status.Code.valueOf(code));
        }
    }
}
