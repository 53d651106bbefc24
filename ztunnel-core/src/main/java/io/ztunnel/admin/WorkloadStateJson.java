package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.List;

/// A managed pod as `/config_dump` shows it (docs/spec/config-observability-dns.md 2.3.5), keys in
/// alphabetical order.
public final class WorkloadStateJson {
    private WorkloadStateJson() {}

    /// @param up whether its proxy runs; otherwise it waits for another attempt
    /// @param connections null until the proxy has been up once
    public record Pod(
            String name,
            String namespace,
            String serviceAccount,
            boolean up,
            @Nullable Connections connections) {}

    /// The connections a pod has now.
    public record Connections(List<Connection> inbound, List<Connection> outbound) {}

    /// @param source `ip:port` of the client
    /// @param originalDestination inbound the host of the `Forwarded` header, outbound the captured
    ///     destination; null where unknown
    /// @param actualDestination where it really goes
    /// @param protocol `HBONE`, `TCP` or `DOUBLEHBONE`
    public record Connection(
            String source,
            @Nullable String originalDestination,
            String actualDestination,
            String protocol) {}

    public static void write(JsonGenerator json, Pod pod) throws IOException {
        json.writeStartObject();
        Connections connections = pod.connections();
        if (connections != null) {
            json.writeObjectFieldStart("connections");
            connections(json, "inbound", connections.inbound());
            connections(json, "outbound", connections.outbound());
            json.writeEndObject();
        }
        json.writeObjectFieldStart("info");
        json.writeStringField("name", pod.name());
        json.writeStringField("namespace", pod.namespace());
        json.writeStringField("serviceAccount", pod.serviceAccount());
        json.writeEndObject();
        json.writeStringField("state", pod.up() ? "Up" : "Pending");
        json.writeEndObject();
    }

    private static void connections(JsonGenerator json, String name, List<Connection> connections)
            throws IOException {
        json.writeArrayFieldStart(name);
        for (Connection each : connections) {
            json.writeStartObject();
            json.writeStringField("actualDst", each.actualDestination());
            json.writeStringField("originalDst", each.originalDestination());
            json.writeStringField("protocol", each.protocol());
            json.writeStringField("src", each.source());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
