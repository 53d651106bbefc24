package io.ztunnel.xds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Struct;

import io.ztunnel.xds.proto.discovery.Node;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/// docs/spec/control-plane.md 2.3.
class NodeDescriptionTest {
    private static Node node(Map<String, String> proxyMetadata, Map<String, Object> json) {
        return new NodeDescription("10.0.0.9", "pod", "ns", "node-a", proxyMetadata, json)
                .toMessage();
    }

    @Test
    void theIdHasTheFormThatIstiodParses() {
        assertThat(node(Map.of(), Map.of()).getId())
                .isEqualTo("ztunnel~10.0.0.9~pod.ns~ns.svc.cluster.local");
    }

    @Test
    void metadataIsDerivedAndOverridden() {
        Struct metadata =
                node(Map.of("NAME", "other", "DNS_CAPTURE", "true"), Map.of()).getMetadata();
        assertThat(metadata.getFieldsOrThrow("NAME").getStringValue()).isEqualTo("other");
        assertThat(metadata.getFieldsOrThrow("DNS_CAPTURE").getStringValue()).isEqualTo("true");
        assertThat(metadata.getFieldsOrThrow("NAMESPACE").getStringValue()).isEqualTo("ns");
        assertThat(metadata.getFieldsOrThrow("INSTANCE_IPS").getStringValue())
                .isEqualTo("10.0.0.9");
        assertThat(metadata.getFieldsOrThrow("NODE_NAME").getStringValue()).isEqualTo("node-a");
    }

    @Test
    void jsonValuesKeepTheirKind() {
        Map<String, Object> json = new HashMap<>();
        json.put("OBJECT", Collections.singletonMap("inner", null));
        json.put("LIST", Arrays.asList("a", 2, true));
        json.put("NAME", 1.5);

        Struct metadata = node(Map.of("NAME", "overridden"), json).getMetadata();

        assertThat(metadata.getFieldsOrThrow("OBJECT").getStructValue().getFieldsMap())
                .hasEntrySatisfying("inner", value -> assertThat(value.hasNullValue()).isTrue());
        assertThat(metadata.getFieldsOrThrow("LIST").getListValue().getValuesList())
                .extracting(value -> value.getKindCase().name())
                .containsExactly("STRING_VALUE", "NUMBER_VALUE", "BOOL_VALUE");
        assertThat(metadata.getFieldsOrThrow("NAME").getNumberValue()).isEqualTo(1.5);
        assertThatThrownBy(() -> node(Map.of(), Map.of("X", new Object())))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
