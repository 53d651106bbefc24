package io.ztunnel;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.observe.DumpSection;
import io.ztunnel.xds.Rejection;
import io.ztunnel.xds.StreamEnd;
import io.ztunnel.xds.XdsStats;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/// How it stands with istiod in `/config_dump`: the stream, each type with what was refused and
/// why, the policies nobody has defined, and the kept state
/// (docs/spec/config-observability-dns.md 2.3.8). Durations are whole seconds.
record ControlPlaneSection(DataPlane traffic) implements DumpSection {

    @Override
    public String name() {
        return "controlPlane";
    }

    @Override
    public void write(JsonGenerator json) throws IOException {
        ControlPlane.@Nullable Reading reading = traffic.controlPlane();
        json.writeStartObject();
        if (reading != null) {
            // The reading may be old where zt-mesh is busy; ages go on meanwhile.
            Duration since = Duration.ofNanos(System.nanoTime() - reading.takenNanos());
            kept(json, reading.stats().kept(), since);
            stream(json, reading.stats(), since);
            types(json, reading.stats(), since);
        }
        json.writeArrayFieldStart("unknownPolicies");
        for (String key : traffic.mesh().unknownPolicies()) {
            json.writeString(key);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void kept(JsonGenerator json, XdsStats.@Nullable Kept kept, Duration since)
            throws IOException {
        if (kept == null) {
            return;
        }
        json.writeObjectFieldStart("kept");
        Duration age = kept.age();
        if (age != null) {
            json.writeNumberField("age", age.plus(since).toSeconds());
        }
        json.writeStringField("refusal", kept.refusal());
        json.writeBooleanField("restored", kept.restored());
        json.writeEndObject();
    }

    private static void stream(JsonGenerator json, XdsStats stats, Duration since)
            throws IOException {
        json.writeObjectFieldStart("stream");
        json.writeNumberField("attempts", stats.streamsOpened());
        json.writeBooleanField("connected", stats.state() == XdsStats.StreamState.STREAMING);
        json.writeStringField("lastEnd", stats.lastEnd());
        json.writeNumberField("since", stats.stateFor().plus(since).toSeconds());
        json.writeStringField("state", stats.state().name());
        json.writeObjectFieldStart("terminations");
        for (Map.Entry<StreamEnd.Reason, Long> each :
                new TreeMap<>(stats.terminations()).entrySet()) {
            json.writeNumberField(each.getKey().name(), each.getValue());
        }
        json.writeEndObject();
        json.writeEndObject();
    }

    private static void types(JsonGenerator json, XdsStats stats, Duration since)
            throws IOException {
        json.writeArrayFieldStart("types");
        for (XdsStats.TypeStats type : stats.types()) {
            json.writeStartObject();
            json.writeNumberField("nacks", type.nacks());
            json.writeObjectFieldStart("rejected");
            for (Rejection each : type.rejected()) {
                json.writeStringField(each.name(), each.reason());
            }
            json.writeEndObject();
            json.writeNumberField("rejectedCount", type.rejectedCount());
            json.writeNumberField("resources", type.resources());
            json.writeNumberField("responses", type.responses());
            json.writeNumberField("silent", type.sinceLastResponse().plus(since).toSeconds());
            json.writeNumberField("sweeps", type.sweeps());
            json.writeBooleanField("synced", type.synced());
            json.writeStringField("url", type.typeUrl());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
