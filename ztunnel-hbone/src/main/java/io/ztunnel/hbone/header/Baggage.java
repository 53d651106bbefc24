package io.ztunnel.hbone.header;

import org.jspecify.annotations.Nullable;

/// A workload as its side of a tunnel describes it: `baggage` of CONNECT and of its answer
/// (`docs/spec/dataplane.md` 2.4 and 3.6). Telemetry only; any peer may claim anything. Unset is
/// null, never empty.
///
/// @param workloadType `deployment`, `cronjob`, `pod` or `job`; set exactly when the name is
/// @param service canonical name
/// @param version canonical revision
public record Baggage(
        @Nullable String cluster,
        @Nullable String namespace,
        @Nullable String workloadType,
        @Nullable String workloadName,
        @Nullable String service,
        @Nullable String version,
        @Nullable String region,
        @Nullable String zone) {

    /// Nothing is known.
    public static final Baggage EMPTY = new Baggage(null, null, null, null, null, null, null, null);

    public Baggage {
        cluster = unsetIfEmpty(cluster);
        namespace = unsetIfEmpty(namespace);
        workloadName = unsetIfEmpty(workloadName);
        workloadType = workloadName == null ? null : unsetIfEmpty(workloadType);
        if (workloadType == null) {
            workloadName = null;
        }
        service = unsetIfEmpty(service);
        version = unsetIfEmpty(version);
        region = unsetIfEmpty(region);
        zone = unsetIfEmpty(zone);
    }

    private static @Nullable String unsetIfEmpty(@Nullable String value) {
        return value == null || value.isEmpty() ? null : value;
    }

    /// Reads the header, several instances joined by commas; null means there was none.
    public static Baggage parse(@Nullable String header) {
        if (header == null || header.isEmpty() || !HeaderChars.areText(header)) {
            return EMPTY;
        }
        Members members = new Members();
        for (int start = 0; start <= header.length(); ) {
            int comma = header.indexOf(',', start);
            int end = comma < 0 ? header.length() : comma;
            members.add(header, start, end);
            start = end + 1;
        }
        return members.baggage();
    }

    /// The header's value, empty when nothing is set. Values go out as they are.
    public String write() {
        StringBuilder out = new StringBuilder(192);
        member(out, "k8s.cluster.name=", cluster);
        member(out, "k8s.namespace.name=", namespace);
        if (workloadName != null) {
            member(out, "k8s." + workloadType + ".name=", workloadName);
        }
        member(out, "service.name=", service);
        member(out, "service.version=", version);
        member(out, "cloud.region=", region);
        member(out, "cloud.availability_zone=", zone);
        return out.toString();
    }

    private static void member(StringBuilder out, String key, @Nullable String value) {
        if (value == null) {
            return;
        }
        if (!out.isEmpty()) {
            out.append(',');
        }
        out.append(key).append(value);
    }

    /// Gathers members; the last of a key counts.
    private static final class Members {
        private @Nullable String cluster;
        private @Nullable String namespace;
        private @Nullable String workloadType;
        private @Nullable String workloadName;
        private @Nullable String service;
        private @Nullable String version;
        private @Nullable String region;
        private @Nullable String zone;

        /// One member, `key=value`; what follows a second `=` is not part of the value.
        void add(String header, int start, int end) {
            int equals = header.indexOf('=', start);
            if (equals < 0 || equals >= end) {
                return;
            }
            int second = header.indexOf('=', equals + 1);
            String value = header.substring(equals + 1, second < 0 || second > end ? end : second);
            switch (header.substring(start, equals)) {
                case "k8s.cluster.name" -> cluster = value;
                case "k8s.namespace.name" -> namespace = value;
                case "k8s.deployment.name" -> workload("deployment", value);
                case "k8s.cronjob.name" -> workload("cronjob", value);
                case "k8s.pod.name" -> workload("pod", value);
                case "k8s.job.name" -> workload("job", value);
                case "service.name" -> service = value;
                case "service.version" -> version = value;
                case "cloud.region" -> region = value;
                case "cloud.availability_zone" -> zone = value;
                default -> {
                    // Somebody else's member.
                }
            }
        }

        private void workload(String type, String name) {
            workloadType = type;
            workloadName = name;
        }

        Baggage baggage() {
            return new Baggage(
                    cluster, namespace, workloadType, workloadName, service, version, region, zone);
        }
    }
}
