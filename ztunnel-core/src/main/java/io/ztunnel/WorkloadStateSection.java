package io.ztunnel;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.admin.WorkloadStateJson;
import io.ztunnel.admin.WorkloadStateJson.Connection;
import io.ztunnel.admin.WorkloadStateJson.Connections;
import io.ztunnel.inpod.PodReport;
import io.ztunnel.observe.DumpSection;
import io.ztunnel.worker.LiveConnection;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.WorkerMailbox;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The pods of this node and their live connections in `/config_dump`
/// (docs/spec/config-observability-dns.md 2.3.5).
record WorkloadStateSection(DataPlane traffic) implements DumpSection {

    @Override
    public String name() {
        return "workloadState";
    }

    @Override
    public void write(JsonGenerator json) throws IOException {
        Map<PodUid, Connections> live = new HashMap<>();
        for (WorkerMailbox worker : traffic.workers()) {
            for (WorkerMailbox.PodConnections pod : worker.connections().join()) {
                Connections all =
                        live.computeIfAbsent(
                                pod.pod(),
                                _ -> new Connections(new ArrayList<>(), new ArrayList<>()));
                pod.inbound().forEach(row -> all.inbound().add(shown(row)));
                pod.outbound().forEach(row -> all.outbound().add(shown(row)));
            }
        }
        PodReport report = traffic.podReport();
        json.writeStartObject();
        for (PodReport.Entry pod : report == null ? List.<PodReport.Entry>of() : report.pods()) {
            json.writeFieldName(pod.uid().toString());
            WorkloadStateJson.write(
                    json,
                    new WorkloadStateJson.Pod(
                            pod.info().name(),
                            pod.info().namespace(),
                            pod.info().serviceAccount(),
                            pod.state() == PodReport.State.UP,
                            live.get(pod.uid())));
        }
        json.writeEndObject();
    }

    private static Connection shown(LiveConnection.Row row) {
        return new Connection(row.src(), row.originalDst(), row.actualDst(), row.protocol());
    }
}
