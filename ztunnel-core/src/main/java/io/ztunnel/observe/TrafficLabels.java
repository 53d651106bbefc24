package io.ztunnel.observe;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

/// Writes the traffic labels in their order (docs/spec/config-observability-dns.md 4.2). The final
/// flag stands in their middle, so there are two halves.
///
/// `source_app` and `destination_app` are the canonical service wherever the facts come from; the
/// reference uses the workload's name where they come from baggage.
final class TrafficLabels {
    private TrafficLabels() {}

    /// Labels 1 to 21.
    static void beforeFlag(LineBuffer out, TrafficKey key) {
        Party source = key.source();
        Party destination = key.destination();
        ServiceRef service = key.service();
        out.text("reporter=\"").text(key.reporter().label()).put('"');
        client(out, source, key.sourcePrincipal());
        label(out, ",destination_service=", service == null ? "" : service.hostname());
        label(out, ",destination_service_namespace=", service == null ? "" : service.namespace());
        label(out, ",destination_service_name=", service == null ? "" : service.name());
        label(out, ",destination_workload=", destination.workload());
        label(out, ",destination_canonical_service=", destination.canonicalService());
        label(out, ",destination_canonical_revision=", destination.canonicalRevision());
        label(out, ",destination_workload_namespace=", destination.namespace());
        label(out, ",destination_principal=", text(key.destinationPrincipal()));
        label(out, ",destination_app=", destination.canonicalService());
        label(out, ",destination_version=", destination.canonicalRevision());
        label(out, ",destination_cluster=", destination.cluster());
        out.text(",request_protocol=\"tcp\"");
    }

    /// Labels 2 to 9, each with a comma before it.
    static void client(LineBuffer out, Party source, @Nullable SpiffeId principal) {
        label(out, ",source_workload=", source.workload());
        label(out, ",source_canonical_service=", source.canonicalService());
        label(out, ",source_canonical_revision=", source.canonicalRevision());
        label(out, ",source_workload_namespace=", source.namespace());
        label(out, ",source_principal=", text(principal));
        label(out, ",source_app=", source.canonicalService());
        label(out, ",source_version=", source.canonicalRevision());
        label(out, ",source_cluster=", source.cluster());
    }

    /// Labels 23 to 27.
    static void afterFlag(LineBuffer out, TrafficKey key) {
        out.text(",connection_security_policy=")
                .text(key.mutualTls() ? "\"mutual_tls\"" : "\"unknown\"");
        label(out, ",source_region=", key.source().region());
        label(out, ",source_zone=", key.source().zone());
        label(out, ",destination_region=", key.destination().region());
        label(out, ",destination_zone=", key.destination().zone());
    }

    /// A label is never empty.
    static void label(LineBuffer out, String name, String value) {
        out.text(name).label(value.isEmpty() ? "unknown" : value);
    }

    private static String text(@Nullable SpiffeId identity) {
        return identity == null ? "" : identity.toString();
    }
}
