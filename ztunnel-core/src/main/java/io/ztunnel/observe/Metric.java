package io.ztunnel.observe;

/// The families, in the order they are exposed (docs/spec/config-observability-dns.md 4.5).
///
/// A family that is not stable says `unstable` in its help text, a stable one does not.
enum Metric {
    PROCESS_OPEN_FDS("process_open_fds", Type.GAUGE, "Number of open file descriptors."),
    PROCESS_MAX_FDS("process_max_fds", Type.GAUGE, "Largest number of open file descriptors."),
    JAVA_HEAP_USED("ztunnel_java_heap_used_bytes", Type.GAUGE, "bytes", "Heap in use (unstable)."),
    JAVA_HEAP_COMMITTED(
            "ztunnel_java_heap_committed_bytes",
            Type.GAUGE,
            "bytes",
            "Heap taken from the system (unstable)."),
    JAVA_GC_PAUSES("ztunnel_java_gc_collections", Type.COUNTER, "Garbage collections (unstable)."),
    JAVA_GC_SECONDS(
            "ztunnel_java_gc_seconds",
            Type.COUNTER,
            "seconds",
            "Time spent in garbage collections (unstable)."),
    JAVA_THREADS("ztunnel_java_threads", Type.GAUGE, "Live platform threads (unstable)."),
    JAVA_WORKERS("ztunnel_java_workers", Type.GAUGE, "Event loops that carry traffic (unstable)."),
    JAVA_LOG_DROPPED(
            "ztunnel_java_log_lines_dropped",
            Type.COUNTER,
            "Log lines lost because standard output did not keep up (unstable)."),
    JAVA_SERIES_OVERFLOWED(
            "ztunnel_java_traffic_series_overflowed",
            Type.COUNTER,
            "Connections counted under the labels `other`: too many label sets (unstable)."),
    JAVA_REFUSED(
            "ztunnel_java_connections_refused",
            Type.COUNTER,
            "Connections refused because a budget of the node was spent (unstable)."),
    JAVA_REAPED(
            "ztunnel_java_connections_reaped",
            Type.COUNTER,
            "Connections ended because nothing moved on them any more (unstable)."),
    JAVA_SOCKETS_TAKEN(
            "ztunnel_java_sockets_taken",
            Type.GAUGE,
            "Sockets reserved for connections and tunnels (unstable)."),
    JAVA_BUFFERED(
            "ztunnel_java_buffered_bytes",
            Type.GAUGE,
            "bytes",
            "Bytes taken from senders that nobody has consumed yet (unstable)."),
    JAVA_LOOPS_STUCK(
            "ztunnel_java_event_loops_stuck",
            Type.GAUGE,
            "Event loops that do not answer; their connections stand still (unstable)."),
    JAVA_LOOP_STALLS(
            "ztunnel_java_event_loop_stalls",
            Type.COUNTER,
            "How often an event loop stopped answering (unstable)."),
    JAVA_THREADS_AWAY(
            "ztunnel_java_threads_away",
            Type.GAUGE,
            "Threads found in another network namespace than the process (unstable)."),
    JAVA_SOURCES_REFUSED(
            "ztunnel_java_sources_refused",
            Type.COUNTER,
            "Connections to applications that could not keep the client's address (unstable)."),
    JAVA_SOURCES_UNANSWERED(
            "ztunnel_java_sources_unanswered",
            Type.COUNTER,
            "Connections that kept the client's address and were not answered (unstable)."),
    BUILD("istio_build", Type.GAUGE, "Version of this component."),
    XDS_TERMINATIONS(
            "istio_xds_connection_terminations",
            Type.COUNTER,
            "Ended xDS streams by reason (unstable)."),
    XDS_MESSAGES("istio_xds_message", Type.COUNTER, "Messages received over xDS (unstable)."),
    XDS_BYTES(
            "istio_xds_message_bytes",
            Type.COUNTER,
            "bytes",
            "Payload bytes received over xDS (unstable)."),
    XDS_CONNECTED(
            "ztunnel_java_xds_connected",
            Type.GAUGE,
            "1 while the control plane answers on a stream (unstable)."),
    XDS_STATE_SECONDS(
            "ztunnel_java_xds_state_seconds",
            Type.GAUGE,
            "seconds",
            "Since the xDS stream came up or went (unstable)."),
    XDS_STREAMS(
            "ztunnel_java_xds_streams", Type.COUNTER, "Attempts to open an xDS stream (unstable)."),
    XDS_SILENT_SECONDS(
            "ztunnel_java_xds_silent_seconds",
            Type.GAUGE,
            "seconds",
            "Since the newest response of a type (unstable)."),
    XDS_RESOURCES(
            "ztunnel_java_xds_resources", Type.GAUGE, "Resources of a type in force (unstable)."),
    XDS_REJECTED(
            "ztunnel_java_xds_rejected_resources",
            Type.GAUGE,
            "Resources of a type whose newest content was refused (unstable)."),
    XDS_NACKS("ztunnel_java_xds_nacks", Type.COUNTER, "Responses answered with a NACK (unstable)."),
    XDS_SNAPSHOT_AGE(
            "ztunnel_java_xds_snapshot_age_seconds",
            Type.GAUGE,
            "seconds",
            "Since the kept state was last known to be true (unstable)."),
    MESH_WORKLOADS("ztunnel_java_mesh_workloads", Type.GAUGE, "Workloads known (unstable)."),
    MESH_SERVICES("ztunnel_java_mesh_services", Type.GAUGE, "Services known (unstable)."),
    MESH_POLICIES("ztunnel_java_mesh_policies", Type.GAUGE, "Policies known (unstable)."),
    MESH_UNKNOWN_POLICIES(
            "ztunnel_java_mesh_unknown_policies",
            Type.GAUGE,
            "Policies that pods of this node list and nobody has defined (unstable)."),
    TCP_OPENED("istio_tcp_connections_opened", Type.COUNTER, "TCP connections opened."),
    TCP_CLOSED("istio_tcp_connections_closed", Type.COUNTER, "TCP connections closed."),
    TCP_RECEIVED(
            "istio_tcp_received_bytes", Type.COUNTER, "Bytes that went from clients to servers."),
    TCP_SENT("istio_tcp_sent_bytes", Type.COUNTER, "Bytes that went from servers to clients."),
    TCP_FAILED(
            "istio_tcp_connections_failed",
            Type.COUNTER,
            "TCP connections that ended with an error (unstable)."),
    SOCKETS_OPEN(
            "istio_tcp_sockets_open", Type.GAUGE, "Accepted TCP sockets still open (unstable)."),
    CONNECT_RETRIES(
            "ztunnel_connect_retries",
            Type.COUNTER,
            "Endpoints that failed before a byte was sent, so that another was tried (unstable)."),
    CONNECT_RESCUED(
            "ztunnel_connect_rescued",
            Type.COUNTER,
            "Connections that reached another endpoint than the first (unstable)."),
    ENDPOINTS_AVOIDED(
            "ztunnel_endpoints_avoided",
            Type.COUNTER,
            "Endpoints that a worker began to avoid after a failure (unstable)."),
    POLICY_DRY_RUN(
            "ztunnel_policy_dry_run",
            Type.COUNTER,
            "Connections that policies in dry run would have decided (unstable)."),
    POLICY_UNKNOWN(
            "ztunnel_policy_unknown",
            Type.COUNTER,
            "Connections judged while a policy of their workload was not known (unstable)."),
    ON_DEMAND_DNS(
            "istio_on_demand_dns",
            Type.COUNTER,
            "Resolutions of workloads that have only a host name (unstable)."),
    CRL_REJECTIONS(
            "istio_crl_policy_rejections",
            Type.COUNTER,
            "Connections refused or cut for a revoked certificate (unstable)."),
    CRL_UNTRACKED(
            "istio_crl_untracked_connections",
            Type.COUNTER,
            "Connections that revocation cannot cut (unstable)."),
    CRL_LISTS("ztunnel_crl_lists", Type.GAUGE, "Revocation lists in force (unstable)."),
    CRL_REVOKED(
            "ztunnel_crl_revoked_certificates",
            Type.GAUGE,
            "Certificates that the lists in force revoke (unstable)."),
    CRL_STALE(
            "ztunnel_crl_stale_lists",
            Type.GAUGE,
            "Lists in force past their nextUpdate (unstable)."),
    CRL_FAILURES(
            "ztunnel_crl_load_failures",
            Type.COUNTER,
            "Versions of the revocation file that were not taken (unstable)."),
    CRL_OWN(
            "ztunnel_crl_own_certificates_revoked",
            Type.GAUGE,
            "Certificates of this node that the lists in force revoke (unstable)."),
    TUNNELS_SECURED(
            "ztunnel_tunnels_secured",
            Type.COUNTER,
            "TLS handshakes of tunnels, by version, suite and group (unstable)."),
    DNS_REQUESTS("istio_dns_requests", Type.COUNTER, "DNS questions handled (unstable)."),
    DNS_UPSTREAM_REQUESTS(
            "istio_dns_upstream_requests", Type.COUNTER, "DNS questions passed on (unstable)."),
    DNS_UPSTREAM_FAILURES(
            "istio_dns_upstream_failures",
            Type.COUNTER,
            "DNS questions passed on without a useful answer (unstable)."),
    DNS_UPSTREAM_SECONDS(
            "istio_dns_upstream_request_duration_seconds",
            Type.HISTOGRAM,
            "seconds",
            "Time until the upstream resolver answered (unstable)."),
    DNS_BAD_MESSAGES(
            "ztunnel_dns_bad_messages",
            Type.COUNTER,
            "DNS messages that were not understood or not wanted (unstable)."),
    PODS_ACTIVE("workload_manager_active_proxy_count", Type.GAUGE, "Pods with a proxy (unstable)."),
    PODS_PENDING(
            "workload_manager_pending_proxy_count",
            Type.GAUGE,
            "Pods whose proxy is to be started again (unstable)."),
    PODS_STARTED("workload_manager_proxies_started", Type.COUNTER, "Proxies started (unstable)."),
    PODS_STOPPED("workload_manager_proxies_stopped", Type.COUNTER, "Proxies stopped (unstable)."),
    AGENT_CONNECTED(
            "ztunnel_java_agent_connected",
            Type.GAUGE,
            "1 while the CNI node agent talks with us (unstable)."),
    AGENT_CONVERSATIONS(
            "ztunnel_java_agent_conversations",
            Type.COUNTER,
            "Conversations begun with the CNI node agent (unstable)."),
    AGENT_ENDS(
            "ztunnel_java_agent_disconnects",
            Type.COUNTER,
            "Ended conversations with the CNI node agent, and failures to begin one (unstable)."),
    AGENT_NACKS(
            "ztunnel_java_agent_nacks",
            Type.COUNTER,
            "Requests of the CNI node agent answered with an error (unstable)."),
    AGENT_ANSWER_SECONDS(
            "ztunnel_java_agent_answer_duration_seconds",
            Type.HISTOGRAM,
            "seconds",
            "How long the CNI node agent waited for an answer (unstable)."),
    POD_START_FAILURES(
            "ztunnel_java_pod_start_failures",
            Type.COUNTER,
            "Attempts to start a pod's proxy that failed (unstable)."),
    PODS_WITHOUT_NAMESPACE(
            "ztunnel_java_pods_without_namespace",
            Type.COUNTER,
            "Pods that came without a network namespace of their own (unstable)."),
    POD_BIND_FAILURES(
            "ztunnel_java_pod_bind_failures",
            Type.COUNTER,
            "Attempts to start a pod's proxy that failed for a port (unstable)."),
    PODS_KEPT_WITHOUT_PROXY(
            "ztunnel_java_pods_kept_without_proxy",
            Type.GAUGE,
            "Pods that the CNI node agent keeps and that have no proxy (unstable)."),
    POD_PORT_STRANGERS(
            "ztunnel_java_pod_ports_shared_with_strangers",
            Type.GAUGE,
            "Ports of ours in pods on which somebody else listens, too (unstable).");

    /// What OpenMetrics calls them.
    enum Type {
        GAUGE("gauge", ""),
        COUNTER("counter", "_total"),
        HISTOGRAM("histogram", "");

        private final String text;
        private final String suffix;

        Type(String text, String suffix) {
            this.text = text;
            this.suffix = suffix;
        }
    }

    private final String family;
    private final String sample;
    private final String header;

    Metric(String family, Type type, String help) {
        this(family, type, "", help);
    }

    Metric(String family, Type type, String unit, String help) {
        this.family = family;
        sample = family + type.suffix;
        header =
                "# HELP "
                        + family
                        + " "
                        + help
                        + "\n"
                        + ("# TYPE " + family + " " + type.text + "\n")
                        + (unit.isEmpty() ? "" : "# UNIT " + family + " " + unit + "\n");
    }

    /// The family's name, without `_total`.
    String family() {
        return family;
    }

    /// The name of its plain samples.
    String sample() {
        return sample;
    }

    /// `# HELP`, `# TYPE` and, with a unit, `# UNIT`, each with its line feed.
    String header() {
        return header;
    }
}
