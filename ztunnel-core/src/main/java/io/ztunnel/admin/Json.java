package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.PortMap;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/// The shapes that several records of the dump have in common.
final class Json {
    private Json() {}

    /// A text, left out where empty.
    static void text(JsonGenerator json, String name, String value) throws IOException {
        if (!value.isEmpty()) {
            json.writeStringField(name, value);
        }
    }

    /// A list of texts, left out where empty.
    static void texts(JsonGenerator json, String name, Collection<String> values)
            throws IOException {
        if (!values.isEmpty()) {
            json.writeArrayFieldStart(name);
            for (String value : values) {
                json.writeString(value);
            }
            json.writeEndArray();
        }
    }

    /// A waypoint or gateway, left out where absent.
    static void gateway(JsonGenerator json, String name, @Nullable GatewayAddress gateway)
            throws IOException {
        if (gateway != null) {
            json.writeFieldName(name);
            gateway(json, gateway);
        }
    }

    static void gateway(JsonGenerator json, GatewayAddress gateway) throws IOException {
        json.writeStartObject();
        json.writeStringField("destination", gateway.destination().toString());
        json.writeNumberField("hboneMtlsPort", gateway.hboneMtlsPort());
        json.writeEndObject();
    }

    /// Ports as an object whose keys are sorted as the texts they are: `443`, `80`, `8080`.
    static void ports(JsonGenerator json, String name, PortMap ports) throws IOException {
        Map<String, Integer> sorted = new TreeMap<>();
        for (int i = 0; i < ports.size(); i++) {
            sorted.put(Integer.toString(ports.servicePortAt(i)), ports.targetPortAt(i));
        }
        json.writeObjectFieldStart(name);
        for (Map.Entry<String, Integer> port : sorted.entrySet()) {
            json.writeNumberField(port.getKey(), port.getValue());
        }
        json.writeEndObject();
    }

    static String status(boolean healthy) {
        return healthy ? "Healthy" : "Unhealthy";
    }
}
