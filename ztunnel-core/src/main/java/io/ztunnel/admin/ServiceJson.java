package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.mesh.Endpoint;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.WeightedWaypoint;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/// A service and its endpoints as `/config_dump` shows them
/// (docs/spec/config-observability-dns.md 2.3.2), keys in alphabetical order.
public final class ServiceJson {
    private ServiceJson() {}

    public static void write(JsonGenerator json, Service service, Collection<Endpoint> endpoints)
            throws IOException {
        json.writeStartObject();
        json.writeBooleanField("canonical", service.canonical());
        if (!service.cidrVips().isEmpty()) {
            json.writeArrayFieldStart("cidrVips");
            for (Service.CidrVip vip : service.cidrVips()) {
                json.writeStartObject();
                json.writeStringField("cidr", vip.cidr().toString());
                json.writeStringField("network", vip.network());
                json.writeEndObject();
            }
            json.writeEndArray();
        }
        json.writeFieldName("endpoints");
        endpoints(json, endpoints);
        json.writeStringField("hostname", service.hostname());
        if (service.ipFamilies() != null) {
            json.writeStringField(
                    "ipFamilies",
                    switch (service.ipFamilies()) {
                        case IPV4 -> "IPv4";
                        case IPV6 -> "IPv6";
                        case DUAL -> "Dual";
                    });
        }
        loadBalancer(json, service.loadBalancer());
        json.writeStringField("name", service.name());
        json.writeStringField("namespace", service.namespace());
        Json.ports(json, "ports", service.ports());
        json.writeArrayFieldStart("subjectAltNames");
        for (String name : service.subjectAltNames()) {
            json.writeString(name);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("vips");
        for (NetworkAddress vip : service.vips()) {
            json.writeString(vip.toString());
        }
        json.writeEndArray();
        json.writeStringField("visibility", service.namespaceOnly() ? "Namespace" : "Public");
        Json.gateway(json, "waypoint", service.waypoint());
        if (!service.weightedWaypoints().isEmpty()) {
            json.writeArrayFieldStart("weightedWaypoints");
            for (WeightedWaypoint waypoint : service.weightedWaypoints()) {
                json.writeStartObject();
                json.writeFieldName("destination");
                Json.gateway(json, waypoint.destination());
                json.writeNumberField("weight", Integer.toUnsignedLong(waypoint.weight()));
                json.writeEndObject();
            }
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    /// Endpoints as an object by workload uid, also the form of `stagedServices`.
    public static void endpoints(JsonGenerator json, Collection<Endpoint> endpoints)
            throws IOException {
        Map<String, Endpoint> sorted = new TreeMap<>();
        endpoints.forEach(endpoint -> sorted.put(endpoint.workloadUid(), endpoint));
        json.writeStartObject();
        for (Endpoint endpoint : sorted.values()) {
            json.writeObjectFieldStart(endpoint.workloadUid());
            Json.ports(json, "port", endpoint.ports());
            json.writeStringField("status", Json.status(endpoint.healthy()));
            json.writeStringField("workloadUid", endpoint.workloadUid());
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void loadBalancer(JsonGenerator json, @Nullable LoadBalancer balancer)
            throws IOException {
        if (balancer == null) {
            return;
        }
        json.writeObjectFieldStart("loadBalancer");
        json.writeStringField(
                "healthPolicy",
                switch (balancer.healthPolicy()) {
                    case ONLY_HEALTHY -> "OnlyHealthy";
                    case ALLOW_ALL -> "AllowAll";
                });
        json.writeStringField("mode", capitalized(balancer.mode().name()));
        json.writeArrayFieldStart("routingPreferences");
        for (LoadBalancer.Scope scope : balancer.routingPreferences()) {
            json.writeString(capitalized(scope.name()));
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static String capitalized(String name) {
        return name.charAt(0) + name.substring(1).toLowerCase(java.util.Locale.ROOT);
    }
}
