package io.ztunnel.feed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;

import io.ztunnel.admin.PolicyJson;
import io.ztunnel.admin.ServiceJson;
import io.ztunnel.admin.WorkloadJson;
import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Endpoint;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;
import io.ztunnel.xds.Clockwork;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.HandMovedScheduler;
import io.ztunnel.xds.KnownDifferences;
import io.ztunnel.xds.LookupEnd;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.ScriptedTransport;
import io.ztunnel.xds.StreamEnd;
import io.ztunnel.xds.Subscription;
import io.ztunnel.xds.Vectors;
import io.ztunnel.xds.Vectors.Event;
import io.ztunnel.xds.Vectors.Scenario;
import io.ztunnel.xds.XdsSettings;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/// Each recorded conversation from the bytes of istiod to the snapshot: requests, refusals and
/// after each step the whole dump must be the recorded ones.
class RecordedStateTest {
    private static final Duration GRACE = Duration.ofMillis(300);

    static Stream<Scenario> scenarios() {
        return Vectors.scenarios();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scenarios")
    @Timeout(60)
    void theStateAfterEachStepIsTheRecordedOne(Scenario scenario) throws IOException {
        new Replay(scenario).run();
    }

    private static final class Replay {
        private final Scenario scenario;
        private final HandMovedScheduler time = new HandMovedScheduler();
        private final ScriptedTransport peer = new ScriptedTransport();
        private final MeshWriter writer = new MeshWriter("node1", time, GRACE);
        private final KnownDifferences differences = new KnownDifferences();
        private final Map<Integer, ScriptedTransport.ScriptedStream> streams = new HashMap<>();
        private final List<DeltaDiscoveryRequest> waiting = new ArrayList<>();
        private final DeltaClient client;

        Replay(Scenario scenario) {
            this.scenario = scenario;
            Event first =
                    scenario.events().stream()
                            .filter(event -> event.direction().equals("request"))
                            .findFirst()
                            .orElseThrow();
            DeltaDiscoveryRequest opening = scenario.request(first);
            Subscription.Mode mode =
                    opening.getResourceNamesSubscribeList().contains("*")
                            ? Subscription.Mode.ON_DEMAND
                            : Subscription.Mode.WILDCARD;
            client =
                    new DeltaClient(
                            XdsSettings.defaults(),
                            peer,
                            KnownDifferences.nodeOf(opening),
                            List.of(
                                    new Subscription<>(
                                            ResourceType.ADDRESS, mode, writer.addresses()),
                                    Subscription.toAll(
                                            ResourceType.AUTHORIZATION, writer.policies())),
                            new Clockwork(time, time::nanoTime, new Random(3)));
        }

        void run() throws IOException {
            client.start();
            time.run();
            String step = scenario.events().getFirst().step();
            for (Event event : scenario.events()) {
                if (!event.step().equals(step)) {
                    compare(step);
                    step = event.step();
                }
                play(event);
            }
            compare(step);
        }

        private void play(Event event) {
            ScriptedTransport.ScriptedStream stream = streams.get(event.stream());
            switch (event.event()) {
                case "stream-opened" -> {
                    while (peer.opened() == streams.size()) {
                        time.advance(Duration.ofMillis(10));
                    }
                    waiting.clear();
                    streams.put(event.stream(), peer.stream());
                }
                case "stream-closed" ->
                        stream.end(StreamEnd.Reason.RECONNECT, event.grpcStatus(), "recorded");
                default -> {
                    if (event.direction().equals("response")) {
                        DeltaDiscoveryResponse response = scenario.response(event);
                        differences.note(response);
                        stream.respond(response);
                    } else {
                        request(stream, scenario.request(event));
                    }
                }
            }
        }

        private void request(
                ScriptedTransport.ScriptedStream stream, DeltaDiscoveryRequest recorded) {
            boolean demand =
                    recorded.getResourceNamesSubscribeCount() == 1
                            && recorded.getResourceNamesUnsubscribeCount() == 0;
            if (demand) {
                String key = recorded.getResourceNamesSubscribe(0);
                var end = client.lookUp(ResourceType.ADDRESS, key);
                time.run();
                if (differences.known(key)) {
                    assertThat(end).isCompletedWithValue(LookupEnd.ABSENT);
                    return;
                }
            }
            waiting.addAll(stream.received());
            DeltaDiscoveryRequest actual =
                    waiting.stream()
                            .filter(each -> each.getTypeUrl().equals(recorded.getTypeUrl()))
                            .findFirst()
                            .orElseThrow();
            waiting.remove(actual);
            assertThat(KnownDifferences.comparable(actual))
                    .isEqualTo(differences.expected(recorded));
        }

        private void compare(String step) throws IOException {
            time.advance(GRACE);
            JsonNode recorded = scenario.state(step);
            if (recorded == null) {
                return;
            }
            JsonNode ours = dump(writer.published().mesh());
            for (String key : List.of("policies", "services", "stagedServices", "workloads")) {
                if (recorded.has(key)) {
                    assertThat(ordered(key, ours.get(key)))
                            .as("%s after %s", key, step)
                            .isEqualTo(ordered(key, recorded.get(key)));
                }
            }
        }
    }

    /// Puts into one order what has none: the recorded client keeps the services of a workload, and
    /// the services of one host name, in the order of a hash table.
    private static String ordered(String key, JsonNode part) {
        if (key.equals("workloads")) {
            for (JsonNode workload : part) {
                if (workload.get("services") instanceof ArrayNode services) {
                    sort(services, JsonNode::asText);
                }
            }
        }
        if (key.equals("services") && part instanceof ArrayNode services) {
            sort(
                    services,
                    each -> each.get("hostname").asText() + " " + each.get("namespace").asText());
        }
        return part.toPrettyString();
    }

    private static void sort(ArrayNode array, Function<JsonNode, String> by) {
        List<JsonNode> elements = new ArrayList<>();
        array.forEach(elements::add);
        elements.sort(Comparator.comparing(by));
        array.removeAll().addAll(elements);
    }

    private static JsonNode dump(MeshSnapshot mesh) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            json.writeArrayFieldStart("policies");
            for (AuthorizationPolicy policy : mesh.policies()) {
                PolicyJson.write(json, policy);
            }
            json.writeEndArray();
            json.writeArrayFieldStart("services");
            for (ServiceEntry entry : mesh.services()) {
                List<Endpoint> admitted = new ArrayList<>();
                entry.endpoints()
                        .forEach(
                                endpoint -> {
                                    if (endpoint.healthy() || entry.service().admitsUnhealthy()) {
                                        admitted.add(endpoint);
                                    }
                                });
                ServiceJson.write(json, entry.service(), admitted);
            }
            json.writeEndArray();
            json.writeObjectFieldStart("stagedServices");
            Map<String, List<Endpoint>> staged = new TreeMap<>();
            mesh.forEachStaged(
                    (key, endpoints) -> {
                        List<Endpoint> all = new ArrayList<>();
                        endpoints.forEach(all::add);
                        staged.put(key.toString(), all);
                    });
            staged.forEach((key, endpoints) -> write(json, key, endpoints));
            json.writeEndObject();
            json.writeArrayFieldStart("workloads");
            for (Workload workload : mesh.workloads()) {
                WorkloadJson.write(json, workload);
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return new ObjectMapper().readTree(text.toString());
    }

    private static void write(JsonGenerator json, String key, List<Endpoint> endpoints) {
        try {
            json.writeFieldName(key);
            ServiceJson.endpoints(json, endpoints);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }
}
