package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Locality;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.Workload;

import java.io.IOException;
import java.util.List;

/// A workload as `/config_dump` shows it (docs/spec/config-observability-dns.md 2.3.1), keys in
/// alphabetical order.
public final class WorkloadJson {
    private WorkloadJson() {}

    public static void write(JsonGenerator json, Workload workload) throws IOException {
        json.writeStartObject();
        ApplicationTunnel tunnel = workload.applicationTunnel();
        if (tunnel != null) {
            json.writeObjectFieldStart("applicationTunnel");
            if (tunnel.port() == 0) {
                json.writeNullField("port");
            } else {
                json.writeNumberField("port", tunnel.port());
            }
            json.writeStringField("protocol", tunnel.kind().name());
            json.writeEndObject();
        }
        Json.texts(json, "authorizationPolicies", workload.authorizationPolicies());
        Json.text(json, "canonicalName", workload.canonicalName());
        Json.text(json, "canonicalRevision", workload.canonicalRevision());
        json.writeNumberField("capacity", Integer.toUnsignedLong(workload.capacity()));
        json.writeStringField("clusterId", workload.clusterId());
        Json.text(json, "hostname", workload.hostname());
        locality(json, workload.locality());
        json.writeStringField("name", workload.name());
        json.writeStringField("namespace", workload.namespace());
        if (workload.nativeTunnel()) {
            json.writeBooleanField("nativeTunnel", true);
        }
        Json.text(json, "network", workload.network());
        Json.gateway(json, "networkGateway", workload.networkGateway());
        json.writeStringField("networkMode", workload.hostNetwork() ? "HostNetwork" : "Standard");
        Json.text(json, "node", workload.node());
        json.writeStringField("protocol", workload.protocol().name());
        Json.text(json, "serviceAccount", workload.serviceAccount());
        List<String> services =
                workload.services().keySet().stream()
                        .map(NamespacedHostname::toString)
                        .sorted()
                        .toList();
        Json.texts(json, "services", services);
        json.writeStringField("status", Json.status(workload.healthy()));
        Json.text(json, "trustDomain", workload.trustDomain());
        Json.text(json, "uid", workload.uid());
        Json.gateway(json, "waypoint", workload.waypoint());
        json.writeArrayFieldStart("workloadIps");
        for (IpAddress address : workload.addresses()) {
            json.writeString(address.toString());
        }
        json.writeEndArray();
        Json.text(json, "workloadName", workload.workloadName());
        Json.text(json, "workloadType", workload.workloadType());
        json.writeEndObject();
    }

    private static void locality(JsonGenerator json, Locality locality) throws IOException {
        if (locality.equals(Locality.UNKNOWN)) {
            return;
        }
        json.writeObjectFieldStart("locality");
        json.writeStringField("region", locality.region());
        json.writeStringField("subzone", locality.subzone());
        json.writeStringField("zone", locality.zone());
        json.writeEndObject();
    }
}
