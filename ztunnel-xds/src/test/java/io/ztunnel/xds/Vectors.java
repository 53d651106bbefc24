package io.ztunnel.xds;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// The recorded conversations (`vectors/README.md`), for this module and for tests above it.
public final class Vectors {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeRegistry TYPES =
            TypeRegistry.newBuilder()
                    .add(Address.getDescriptor())
                    .add(Authorization.getDescriptor())
                    .build();

    private static final Path ROOT = find();

    private Vectors() {}

    /// One line of `sequence.json`.
    ///
    /// @param file the message without its extension, empty for events of a stream
    public record Event(
            String step,
            int stream,
            String event,
            String direction,
            String kind,
            String file,
            JsonNode headers,
            String grpcStatus,
            String grpcMessage) {}

    /// A recorded conversation.
    public record Scenario(Path directory, List<Event> events) {
        public DeltaDiscoveryRequest request(Event event) {
            return read(pb(event), DeltaDiscoveryRequest.parser()::parseDelimitedFrom);
        }

        public DeltaDiscoveryResponse response(Event event) {
            return read(pb(event), DeltaDiscoveryResponse.parser()::parseDelimitedFrom);
        }

        private Path pb(Event event) {
            return directory.resolve("messages").resolve(event.file() + ".pb");
        }

        /// The state after a step, or null where none was recorded.
        public JsonNode state(String step) {
            Path file = directory.resolve("state").resolve(step + ".json");
            return Files.exists(file) ? json(file) : null;
        }

        @Override
        public String toString() {
            return root().relativize(directory).toString();
        }
    }

    /// All conversations, by the name of their directory.
    public static Stream<Scenario> scenarios() {
        return files("sequence.json")
                .map(file -> file.getParent().getParent())
                .map(directory -> new Scenario(directory, events(directory)));
    }

    /// All recorded messages as `.pb` files.
    public static Stream<Path> messages() {
        return files(".pb");
    }

    private static Stream<Path> files(String ending) {
        try (Stream<Path> all = Files.walk(root())) {
            return all.filter(file -> file.toString().endsWith(ending)).sorted().toList().stream();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /// The directory of the recordings, also where they come in a jar.
    private static Path root() {
        return ROOT;
    }

    private static Path find() {
        try {
            URI some = Vectors.class.getResource("/vectors/a-initial-snapshot").toURI();
            if (some.getScheme().equals("jar")) {
                // Stays open as long as the tests run.
                return FileSystems.newFileSystem(some, Map.of()).getPath("/vectors");
            }
            return Path.of(some).getParent();
        } catch (URISyntaxException | IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static List<Event> events(Path directory) {
        List<Event> events = new ArrayList<>();
        for (JsonNode line : json(directory.resolve("messages/sequence.json"))) {
            events.add(
                    new Event(
                            line.path("step").asText(),
                            line.path("stream").asInt(),
                            line.path("event").asText(),
                            line.path("direction").asText(),
                            line.path("kind").asText(),
                            line.path("file").asText(),
                            line.path("headers"),
                            line.path("grpcStatus").asText(),
                            line.path("grpcMessage").asText()));
        }
        return events;
    }

    static JsonNode json(Path file) {
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /// Reads protobuf JSON as istiod writes it, which names two levels of a policy differently.
    static void merge(JsonNode json, Message.Builder into) {
        try {
            JsonFormat.parser().usingTypeRegistry(TYPES).merge(renamed(json).toString(), into);
        } catch (IOException malformed) {
            throw new UncheckedIOException(malformed);
        }
    }

    private static JsonNode renamed(JsonNode message) {
        for (JsonNode resource : message.path("resources")) {
            if (resource.path("resource") instanceof ObjectNode policy && policy.has("groups")) {
                for (JsonNode rule : policy.path("groups")) {
                    rename(rule, "rules", "clauses");
                }
                rename(policy, "groups", "rules");
            }
        }
        return message;
    }

    private static void rename(JsonNode node, String from, String to) {
        if (node instanceof ObjectNode object && object.has(from)) {
            object.set(to, object.remove(from));
        }
    }

    interface Reading<T> {
        T from(InputStream stream) throws IOException;
    }

    static <T> T read(Path file, Reading<T> reading) {
        try (InputStream stream = Files.newInputStream(file)) {
            return reading.from(stream);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
