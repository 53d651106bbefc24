package io.ztunnel.observe;

import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

/// One side of a connection as telemetry names it; an empty text is exported as `unknown`.
///
/// Part of the key of a label set, so it is compared by value; keep one per workload where many
/// connections come from it.
///
/// @param name the pod's name, as access lines show it; empty where only the canonical service is
///     known
/// @param workload the name of the deployment, job or the like, not of the pod
/// @param identity the workload's own, whatever was proven; null where unknown
public record Party(
        String name,
        String workload,
        String canonicalService,
        String canonicalRevision,
        String namespace,
        String cluster,
        @Nullable SpiffeId identity,
        String region,
        String zone) {

    private static final Party UNKNOWN = new Party("", "", "", "", "", "", null, "", "");

    public static Party of(Workload workload) {
        return new Party(
                workload.name(),
                workload.workloadName(),
                workload.canonicalName(),
                workload.canonicalRevision(),
                workload.namespace(),
                workload.clusterId(),
                workload.identity(),
                workload.locality().region(),
                workload.locality().zone());
    }

    /// What a peer said of itself in its `baggage` (docs/spec/config-observability-dns.md 4.3);
    /// null and empty both mean absent.
    public static Party ofBaggage(
            @Nullable String cluster,
            @Nullable String namespace,
            @Nullable String workload,
            @Nullable String canonicalService,
            @Nullable String canonicalRevision,
            @Nullable String region,
            @Nullable String zone) {
        return new Party(
                "",
                orEmpty(workload),
                orEmpty(canonicalService),
                orEmpty(canonicalRevision),
                orEmpty(namespace),
                orEmpty(cluster),
                null,
                orEmpty(region),
                orEmpty(zone));
    }

    public static Party unknown() {
        return UNKNOWN;
    }

    /// The same party under another name in access lines: the far end of a nested tunnel is shown
    /// by its workload's name, for example.
    public Party named(String shown) {
        return new Party(
                shown,
                workload,
                canonicalService,
                canonicalRevision,
                namespace,
                cluster,
                identity,
                region,
                zone);
    }

    /// This party, completed by what the other knows where this one is silent: facts of the control
    /// plane go before a peer's own words.
    public Party completedBy(Party other) {
        return new Party(
                first(name, other.name),
                first(workload, other.workload),
                first(canonicalService, other.canonicalService),
                first(canonicalRevision, other.canonicalRevision),
                first(namespace, other.namespace),
                first(cluster, other.cluster),
                identity == null ? other.identity : identity,
                first(region, other.region),
                first(zone, other.zone));
    }

    String shownName() {
        return first(name, canonicalService);
    }

    private static String first(String own, String other) {
        return own.isEmpty() ? other : own;
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
