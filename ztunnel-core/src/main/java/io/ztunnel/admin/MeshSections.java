package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Endpoint;
import io.ztunnel.mesh.Endpoints;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.DumpSection;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/// The parts of `/config_dump` that show the mesh (docs/spec/config-observability-dns.md 2.3).
///
/// Each dump reads one immutable snapshot, so nothing is held up while it is written.
public final class MeshSections {
    private MeshSections() {}

    /// @param mesh the newest snapshot, safe to ask for from any thread
    public static List<DumpSection> of(Supplier<MeshSnapshot> mesh) {
        return List.of(
                section("workloads", json -> workloads(json, mesh.get())),
                section("services", json -> services(json, mesh.get())),
                section("policies", json -> policies(json, mesh.get())),
                section("stagedServices", json -> staged(json, mesh.get())));
    }

    private static void workloads(JsonGenerator json, MeshSnapshot mesh) throws IOException {
        json.writeStartArray();
        for (Workload workload : mesh.workloads()) {
            WorkloadJson.write(json, workload);
        }
        json.writeEndArray();
    }

    private static void services(JsonGenerator json, MeshSnapshot mesh) throws IOException {
        json.writeStartArray();
        for (ServiceEntry entry : mesh.services()) {
            ServiceJson.write(json, entry.service(), sorted(mesh.endpointsOf(entry.service())));
        }
        json.writeEndArray();
    }

    private static void policies(JsonGenerator json, MeshSnapshot mesh) throws IOException {
        json.writeStartArray();
        for (AuthorizationPolicy policy : mesh.policies()) {
            PolicyJson.write(json, policy);
        }
        json.writeEndArray();
    }

    private static void staged(JsonGenerator json, MeshSnapshot mesh) throws IOException {
        Map<String, Endpoints> byKey = new TreeMap<>();
        mesh.forEachStaged((NamespacedHostname key, Endpoints all) -> byKey.put(key + "", all));
        json.writeStartObject();
        for (Map.Entry<String, Endpoints> each : byKey.entrySet()) {
            json.writeFieldName(each.getKey());
            ServiceJson.endpoints(json, sorted(each.getValue()));
        }
        json.writeEndObject();
    }

    private static List<Endpoint> sorted(Endpoints endpoints) {
        List<Endpoint> all = new ArrayList<>();
        endpoints.forEach(all::add);
        all.sort(Comparator.comparing(Endpoint::workloadUid));
        return all;
    }

    private interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    private static DumpSection section(String name, Body body) {
        return new DumpSection() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public void write(JsonGenerator json) throws IOException {
                body.write(json);
            }
        };
    }
}
