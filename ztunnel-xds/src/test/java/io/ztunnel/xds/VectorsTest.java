package io.ztunnel.xds;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageLite;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.discovery.Resource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// Every recorded message reads as its JSON says and writes back to the same bytes.
class VectorsTest {
    /// Holds a resource on purpose that no decoder can read, hence its JSON says nothing.
    private static final String UNDECODABLE = "063-response-address-injected";

    static Stream<Path> messages() {
        return Vectors.messages();
    }

    @Test
    void noneIsMissing() {
        assertThat(Vectors.messages()).hasSize(498);
        assertThat(Vectors.scenarios()).hasSizeGreaterThan(18);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void bytesAndJsonAreTheSameMessage(Path file) throws IOException {
        boolean request = name(file).contains("-request-");
        byte[] bytes = Vectors.read(file, VectorsTest::delimited);
        Message message =
                request
                        ? DeltaDiscoveryRequest.parseFrom(bytes)
                        : DeltaDiscoveryResponse.parseFrom(bytes);

        if (!file.toString().contains(UNDECODABLE)) {
            JsonNode json = Vectors.json(file.resolveSibling(name(file).replace(".pb", ".json")));
            Message.Builder builder = message.newBuilderForType();
            Vectors.merge(json, builder);
            // Not compared as bytes: the recorder keeps the order of map entries, JSON has none.
            assertThat(decoded(builder.build())).isEqualTo(decoded(message));
        }
        boolean claims =
                message instanceof DeltaDiscoveryRequest opening
                        && (opening.getInitialResourceVersionsCount() > 0 || opening.hasNode());
        if (!claims) {
            assertThat(sorted(message)).isEqualTo(bytes);
        }
    }

    /// Contents of resources are decoded too, so that differences inside them are compared as
    /// messages.
    private static Object decoded(Message message) throws InvalidProtocolBufferException {
        if (!(message instanceof DeltaDiscoveryResponse response)) {
            return message;
        }
        List<Object> contents = new ArrayList<>();
        for (Resource resource : response.getResourcesList()) {
            ResourceType<?> type = typeOf(response.getTypeUrl());
            if (type != null && resource.hasResource()) {
                contents.add(type.parser().parseFrom(resource.getResource().getValue()));
            }
            contents.add(resource.toBuilder().clearResource().build());
        }
        return List.of(response.toBuilder().clearResources().build(), contents);
    }

    private static ResourceType<?> typeOf(String typeUrl) {
        return Stream.of(ResourceType.ADDRESS, ResourceType.AUTHORIZATION)
                .filter(type -> type.typeUrl().equals(typeUrl))
                .findAny()
                .orElse(null);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void theLazyReaderSeesWhatTheWholeMessageHolds(Path file) throws IOException {
        if (!name(file).contains("-response-")) {
            return;
        }
        byte[] bytes = Vectors.read(file, VectorsTest::delimited);
        DeltaDiscoveryResponse whole = DeltaDiscoveryResponse.parseFrom(bytes);

        DeltaResponse lazy = DeltaResponse.over(new ByteArrayInputStream(bytes));

        assertThat(lazy.typeUrl()).isEqualTo(whole.getTypeUrl());
        assertThat(lazy.nonce()).isEqualTo(whole.getNonce());
        assertThat(lazy.removedNames()).isEqualTo(whole.getRemovedResourcesList());
        assertThat(lazy.resourceCount()).isEqualTo(whole.getResourcesCount());
        ResourceType<?> type = typeOf(whole.getTypeUrl());
        if (type != null) {
            compare(lazy, whole, type);
        }
    }

    private static <T> void compare(
            DeltaResponse lazy, DeltaDiscoveryResponse whole, ResourceType<T> type) {
        LazyBatch<T> batch = new LazyBatch<>(lazy, type, Set.of(), null);
        List<ResourceUpdate<T>> expected = new ArrayList<>();
        for (Resource resource : whole.getResourcesList()) {
            try {
                if (resource.hasResource()) {
                    expected.add(
                            new ResourceUpdate.Upsert<>(
                                    resource.getName(),
                                    resource.getAliasesList(),
                                    resource.getVersion(),
                                    type.parser().parseFrom(resource.getResource().getValue())));
                }
            } catch (InvalidProtocolBufferException onPurpose) {
                assertThat(resource.getName()).isEqualTo("bad");
            }
        }
        whole.getRemovedResourcesList()
                .forEach(name -> expected.add(new ResourceUpdate.Removal<>(name)));
        assertThat(batch).containsExactlyElementsOf(expected);
        assertThat(batch.offered().size() + batch.undecodable().size())
                .isEqualTo(whole.getResourcesCount());
    }

    @ParameterizedTest
    @MethodSource("messages")
    void resourcesWriteBackToTheSameContentInTheSameLength(Path file) throws IOException {
        if (!name(file).contains("-response-") || file.toString().contains(UNDECODABLE)) {
            return;
        }
        DeltaDiscoveryResponse response =
                DeltaDiscoveryResponse.parseFrom(Vectors.read(file, VectorsTest::delimited));
        ResourceType<?> type = typeOf(response.getTypeUrl());
        for (Resource resource : response.getResourcesList()) {
            if (type != null && resource.hasResource()) {
                MessageLite content =
                        (MessageLite) type.parser().parseFrom(resource.getResource().getValue());
                // Not the same bytes: istiod writes the members of a oneof behind other fields.
                byte[] again = sorted(content);
                assertThat(again).hasSize(resource.getResource().getValue().size());
                assertThat(type.parser().parseFrom(again)).isEqualTo(content);
            }
        }
    }

    /// docs/spec/control-plane.md 1.8, the policies.
    @Test
    void theByteVectorsOfTheSpecificationAreRead() throws IOException {
        byte[] denyAll =
                HexFormat.ofDelimiter(" ")
                        .parseHex("0a 08 64 65 6e 79 2d 61 6c 6c 12 04 64 65 6d 6f 18 01");
        var policy = ResourceType.AUTHORIZATION.parser().parseFrom(denyAll);
        assertThat(policy.getName()).isEqualTo("deny-all");
        assertThat(policy.getNamespace()).isEqualTo("demo");
        assertThat(policy.getScopeValue()).isEqualTo(1);
        assertThat(policy.getRulesCount()).isZero();
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    private static byte[] delimited(java.io.InputStream stream) throws IOException {
        int first = stream.read();
        int length = CodedInputStream.readRawVarint32(first, stream);
        byte[] bytes = stream.readNBytes(length);
        assertThat(stream.read()).isEqualTo(-1);
        return bytes;
    }

    private static byte[] sorted(MessageLite message) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.useDeterministicSerialization();
        message.writeTo(out);
        out.flush();
        return bytes.toByteArray();
    }
}
