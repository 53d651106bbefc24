package io.ztunnel;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.inpod.PodReport;
import io.ztunnel.observe.DumpSection;
import io.ztunnel.observe.NodeAgentFacts;
import io.ztunnel.pod.PortStranger;
import io.ztunnel.worker.PodUid;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/// How it stands with the CNI node agent and its pods in `/config_dump`
/// (docs/spec/config-observability-dns.md 2.3.9).
record NodeAgentSection(DataPlane traffic) implements DumpSection {

    @Override
    public String name() {
        return "nodeAgent";
    }

    @Override
    public void write(JsonGenerator json) throws IOException {
        json.writeStartObject();
        NodeAgentFacts facts = traffic.agentFacts();
        PodReport report = traffic.podReport();
        json.writeBooleanField("connected", facts != null && facts.connected());
        json.writeNumberField("conversations", facts == null ? 0 : facts.conversations());
        counts(json, "disconnects", facts == null ? Map.of() : facts.ends());
        json.writeArrayFieldStart("keptWithoutProxy");
        if (report != null) {
            for (PodUid uid : report.keptUnknown()) {
                json.writeString(uid.toString());
            }
        }
        json.writeEndArray();
        counts(json, "nacks", facts == null ? Map.of() : facts.refusals());
        json.writeArrayFieldStart("podsNotUp");
        if (report != null) {
            for (PodReport.Entry pod : report.pods()) {
                if (pod.state() == PodReport.State.PENDING) {
                    pending(json, pod);
                }
            }
        }
        json.writeEndArray();
        json.writeArrayFieldStart("portStrangers");
        for (PortStranger each : traffic.portStrangers()) {
            json.writeStartObject();
            json.writeStringField("name", each.info().name());
            json.writeStringField("namespace", each.info().namespace());
            json.writeNumberField("port", each.port());
            json.writeStringField("uid", each.pod().toString());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void pending(JsonGenerator json, PodReport.Entry pod) throws IOException {
        json.writeStartObject();
        json.writeNumberField("failedAttempts", pod.failedAttempts());
        json.writeStringField("failure", pod.failure());
        json.writeStringField("name", pod.info().name());
        json.writeStringField("namespace", pod.info().namespace());
        json.writeStringField("uid", pod.uid().toString());
        json.writeEndObject();
    }

    private static void counts(JsonGenerator json, String name, Map<String, Long> counts)
            throws IOException {
        json.writeObjectFieldStart(name);
        for (Map.Entry<String, Long> each : new TreeMap<>(counts).entrySet()) {
            json.writeNumberField(each.getKey(), each.getValue());
        }
        json.writeEndObject();
    }
}
