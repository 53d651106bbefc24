package io.ztunnel.xds;

import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;

import io.ztunnel.xds.proto.discovery.Node;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/// Who asks (docs/spec/control-plane.md 2.3). Built once, sent with the first request of each type
/// on every stream.
///
/// @param instanceIp text of the pod's address
/// @param nodeName of the Kubernetes node
/// @param proxyMetadata more metadata, text only; overrides what is derived from the rest
/// @param jsonMetadata more metadata as JSON values: `Map`, `List`, `String`, `Number`, `Boolean`
///     or null; overrides all others
public record NodeDescription(
        String instanceIp,
        String podName,
        String podNamespace,
        String nodeName,
        Map<String, String> proxyMetadata,
        Map<String, ? extends @Nullable Object> jsonMetadata) {

    /// `ztunnel~<ip>~<pod>.<namespace>~<namespace>.svc.cluster.local`, the form that istiod parses.
    public String id() {
        return "ztunnel~%s~%s.%s~%s.svc.cluster.local"
                .formatted(instanceIp, podName, podNamespace, podNamespace);
    }

    /// The message of the wire.
    ///
    /// @throws IllegalArgumentException if a JSON value is of another kind than those named above
    public Node toMessage() {
        Struct.Builder metadata =
                Struct.newBuilder()
                        .putFields("NAME", text(podName))
                        .putFields("NAMESPACE", text(podNamespace))
                        .putFields("INSTANCE_IPS", text(instanceIp))
                        .putFields("NODE_NAME", text(nodeName));
        proxyMetadata.forEach((key, value) -> metadata.putFields(key, text(value)));
        jsonMetadata.forEach((key, value) -> metadata.putFields(key, value(value)));
        return Node.newBuilder().setId(id()).setMetadata(metadata).build();
    }

    private static Value text(String text) {
        return Value.newBuilder().setStringValue(text).build();
    }

    private static Value value(@Nullable Object json) {
        Value.Builder value = Value.newBuilder();
        return switch (json) {
            case null -> value.setNullValue(NullValue.NULL_VALUE).build();
            case String text -> text(text);
            case Boolean bool -> value.setBoolValue(bool).build();
            case Number number -> value.setNumberValue(number.doubleValue()).build();
            case List<?> list -> {
                ListValue.Builder values = ListValue.newBuilder();
                list.forEach(element -> values.addValues(value(element)));
                yield value.setListValue(values).build();
            }
            case Map<?, ?> map -> {
                Struct.Builder fields = Struct.newBuilder();
                map.forEach(
                        (key, element) -> fields.putFields(String.valueOf(key), value(element)));
                yield value.setStructValue(fields).build();
            }
            default -> throw new IllegalArgumentException("no JSON value: " + json.getClass());
        };
    }
}
