package io.ztunnel.config;

/// Every environment variable the daemon reads (docs/spec/config-observability-dns.md 1.3). The
/// tables of docs/CONFIG.md are written from here.
enum Setting {
    KUBERNETES_SERVICE_HOST(
            Group.CONTROL_PLANE,
            "presence",
            "–",
            "if present the default control plane is `https://istiod.istio-system.svc:15012`,"
                    + " else `https://localhost:15012`"),
    XDS_ADDRESS(
            Group.CONTROL_PLANE,
            "URI",
            "see above",
            "control plane; without a scheme `https://` is meant; empty: no xDS"),
    CA_ADDRESS(
            Group.CONTROL_PLANE,
            "URI",
            "see above",
            "certificate authority; empty: none; unused with `FAKE_CA`"),
    XDS_ROOT_CA(
            Group.CONTROL_PLANE,
            "path, `SYSTEM` or PEM",
            "`./var/run/secrets/istio/root-cert.pem`",
            "roots the control plane is verified with"),
    CA_ROOT_CA(
            Group.CONTROL_PLANE,
            "path, `SYSTEM` or PEM",
            "`./var/run/secrets/istio/root-cert.pem`",
            "roots the certificate authority is verified with"),
    ALT_XDS_HOSTNAME(
            Group.CONTROL_PLANE, "text", "–", "further server name accepted of the control plane"),
    ALT_CA_HOSTNAME(
            Group.CONTROL_PLANE, "text", "–", "further server name accepted of the authority"),
    AUTH_TOKEN(
            Group.CONTROL_PLANE,
            "path or text",
            "`./var/run/secrets/tokens/istio-token` if it exists",
            "token for both; a file is read again at each use"),
    XDS_ON_DEMAND(
            Group.CONTROL_PLANE,
            "bool",
            "`false`",
            "fetch addresses when they are needed; not together with the DNS proxy"),
    XDS_SNAPSHOT_DIRECTORY(
            Group.CONTROL_PLANE,
            "path",
            "–",
            "directory to keep the last known good state in, for a start without a control plane;"
                    + " unset or empty: none is kept"),
    XDS_SNAPSHOT_MAX_AGE(
            Group.CONTROL_PLANE,
            "duration",
            "`24h`",
            "a kept state that the control plane has not confirmed for so long is refused"),
    LOCAL_XDS_PATH(
            Group.CONTROL_PLANE,
            "path",
            "–",
            "static workloads, services and policies; empty: none"),
    LOCAL_XDS(Group.CONTROL_PLANE, "text", "–", "the same as text; not both"),
    FAKE_CA(Group.CONTROL_PLANE, "bool", "`false`", "sign certificates oneself; for tests"),
    SECRET_TTL(Group.CONTROL_PLANE, "duration", "`24h`", "lifetime asked for in certificates"),
    CRL_PATH(Group.CONTROL_PLANE, "path", "–", "revocation list; empty: none"),

    NETWORK(Group.NODE, "text", "empty", "network of this node"),
    NODE_NAME(Group.NODE, "text", "–", "name of this node"),
    CLUSTER_ID(Group.NODE, "text", "`Kubernetes`", "`ISTIO_META_CLUSTER_ID` goes before it"),
    CLUSTER_DOMAIN(Group.NODE, "text", "`cluster.local`", "domain of services, for DNS"),
    TRUST_DOMAIN(Group.NODE, "text", "`cluster.local`", "of this proxy's own identity"),
    POD_NAME(Group.NODE, "text", "–", "this proxy's own pod"),
    POD_NAMESPACE(Group.NODE, "text", "–", "its namespace"),
    SERVICE_ACCOUNT(
            Group.NODE,
            "text",
            "–",
            "its service account; with all three this proxy accepts tunnels for itself"),
    INSTANCE_IP(Group.NODE, "IP address", "`1.1.1.1`", "part of the xDS node"),
    PREFERED_SERVICE_NAMESPACE(
            Group.NODE,
            "text",
            "–",
            "preferred among services of one host name; `PREFERRED_SERVICE_NAMESPACE` is understood"
                    + " too"),

    PROXY_MODE(Group.SOCKETS, "`shared` or `dedicated`", "`shared`", "for a node or for one pod"),
    PROXY_WORKLOAD_INFO(
            Group.SOCKETS,
            "`namespace/name/service-account`",
            "–",
            "the one pod of dedicated mode"),
    INPOD_UDS(
            Group.SOCKETS,
            "path",
            "`/var/run/ztunnel/ztunnel.sock`",
            "socket of the CNI node daemon"),
    INPOD_PORT_REUSE(Group.SOCKETS, "bool", "`true`", "SO_REUSEPORT on sockets in pods"),
    PACKET_MARK(Group.SOCKETS, "u32", "`1337` in shared mode", "SO_MARK of our packets"),
    ENABLE_PROXY(Group.SOCKETS, "bool", "`true`", "carry TCP at all"),
    ENABLE_ORIG_SRC(
            Group.SOCKETS,
            "bool",
            "try",
            "keep the client's address towards applications: must, never, or try"),
    IPV6_ENABLED(Group.SOCKETS, "bool", "`true`", "`false`: IPv4 only"),
    UNSTABLE_ENABLE_SOCKS5(Group.SOCKETS, "bool", "`false`", "SOCKS5 on 127.0.0.1:15080"),
    LOCALHOST_APP_TUNNEL(
            Group.SOCKETS, "bool", "`true`", "PROXY protocol tunnels connect to loopback"),
    ENABLE_RESPONSE_BAGGAGE(
            Group.SOCKETS, "bool", "`true`", "peers tell each other who they are in `baggage`"),
    KEEPALIVE_ENABLED(Group.SOCKETS, "bool", "`true`", "TCP keepalive"),
    KEEPALIVE_TIME(Group.SOCKETS, "duration", "`180s`", "idle time before the first probe"),
    KEEPALIVE_INTERVAL(Group.SOCKETS, "duration", "`180s`", "time between probes"),
    KEEPALIVE_RETRIES(Group.SOCKETS, "u32", "`9`", "unanswered probes until the end"),
    USER_TIMEOUT_ENABLED(
            Group.SOCKETS, "bool", "`false`", "TCP_USER_TIMEOUT of time + retries × interval"),

    HTTP2_STREAM_WINDOW_SIZE(Group.TUNNELS, "u32", "`4194304`", "bytes in flight per stream"),
    HTTP2_CONNECTION_WINDOW_SIZE(Group.TUNNELS, "u32", "`16777216`", "bytes in flight per tunnel"),
    HTTP2_FRAME_SIZE(Group.TUNNELS, "u32", "`1048576`", "largest frame accepted, in bytes"),
    POOL_MAX_STREAMS_PER_CONNECTION(
            Group.TUNNELS, "u16", "`100`", "streams before another tunnel is opened"),
    POOL_UNUSED_RELEASE_TIMEOUT(Group.TUNNELS, "duration", "`5m`", "idle tunnels end after it"),
    TUNNEL_EXPIRY_GRACE(
            Group.TUNNELS,
            "duration",
            "`5m`",
            "how long a tunnel may stand after a certificate it was made with has expired, ours or"
                    + " the peer's"),
    ZTUNNEL_WORKER_THREADS(
            Group.TUNNELS,
            "count or `N%`",
            "see Workers",
            "event loops; `0` is one per available core"),
    ZTUNNEL_CPU_LIMIT(Group.TUNNELS, "count", "–", "available cores"),
    ZTUNNEL_RESOURCE_CPU_LIMIT(
            Group.TUNNELS, "CPU quantity", "–", "the container's limit, such as `500m` or `2`"),
    ZTUNNEL_RESOURCE_CPU_REQUEST(Group.TUNNELS, "CPU quantity", "–", "the container's request"),
    CONNECTION_TERMINATION_DEADLINE(
            Group.TUNNELS, "duration", "–", "how long a drain lets connections run"),
    TERMINATION_GRACE_PERIOD_SECONDS(
            Group.TUNNELS,
            "u64",
            "–",
            "the pod's grace period; the deadline is a little shorter; neither set: 5 s"),

    OUTBOUND_CONNECT_ATTEMPTS(
            Group.CONNECTIONS,
            "u32",
            "`3`",
            "endpoints a connection tries before a byte was sent; `1`: only the first"),
    OUTBOUND_CONNECT_WINDOW(
            Group.CONNECTIONS, "duration", "`10s`", "after it no other endpoint is tried"),
    OUTBOUND_ATTEMPT_TIMEOUT(
            Group.CONNECTIONS,
            "duration",
            "`4s`",
            "an endpoint that has not answered is given up where there is another; `0s`: never"),
    OUTBOUND_AVOID_TIME(
            Group.CONNECTIONS,
            "duration",
            "`5s`",
            "an endpoint that failed is avoided for about this long; `0s`: it is not"),
    POLICY_HOLD(
            Group.CONNECTIONS,
            "duration up to `10s`",
            "`500ms`",
            "how long news of the mesh wait for a policy that a local pod lists and that has not"
                    + " come"),
    UNKNOWN_POLICY(
            Group.CONNECTIONS,
            "`allow` or `deny`",
            "`allow`",
            "what a listed policy that still has not come means; `allow`: nothing"),

    ZTUNNEL_MAX_SOCKETS(
            Group.BOUNDS,
            "u32",
            "nine tenths of the descriptors",
            "sockets of the whole node, two for each connection; beyond, new ones are refused"),
    ZTUNNEL_MAX_HANDSHAKES(
            Group.BOUNDS,
            "u32",
            "`512`",
            "TLS handshakes of arriving tunnels at once; beyond, new ones are refused"),
    ZTUNNEL_MAX_BUFFERED_BYTES(
            Group.BOUNDS,
            "u32",
            "a quarter of direct memory",
            "bytes taken from senders that nobody has consumed yet; windows shrink beyond half of"
                    + " it, beyond all of it nothing more is read or taken"),
    ZTUNNEL_MAX_DNS_QUERIES(
            Group.BOUNDS,
            "u32",
            "`4096`",
            "DNS questions that wait for an upstream server at once; beyond, new ones fail"),
    ZTUNNEL_OUTBOUND_IDLE_TIMEOUT(
            Group.BOUNDS,
            "duration",
            "off",
            "connections from pods (15001) end when no byte moved for so long; `0s`: off"),
    ZTUNNEL_INBOUND_IDLE_TIMEOUT(
            Group.BOUNDS, "duration", "off", "the same for connections in tunnels (15008)"),
    ZTUNNEL_PASSTHROUGH_IDLE_TIMEOUT(
            Group.BOUNDS, "duration", "off", "the same for plain connections to pods (15006)"),
    ZTUNNEL_HALF_CLOSED_IDLE_TIMEOUT(
            Group.BOUNDS, "duration", "off", "the same on all ports, once one direction has ended"),
    ZTUNNEL_GONE_PEER_GRACE(
            Group.BOUNDS,
            "duration",
            "`30s`",
            "how long the other side may stay silent when one side of a connection is gone"),
    ZTUNNEL_POD_STOP_GRACE(
            Group.BOUNDS,
            "duration up to `5s`",
            "`1s`",
            "how long connections of a pod that left the mesh, or came back in another namespace,"
                    + " may go on after peers were told; `0s`: they are cut at once"),
    ZTUNNEL_STUCK_AFTER(
            Group.BOUNDS,
            "duration",
            "`10s`",
            "an event loop that does not answer for so long makes this proxy not ready; 1 s or"
                    + " more, or `0s`: they are not watched"),

    RUST_LOG(Group.DIAGNOSTICS, "filter", "`info`", "levels, such as `access=debug,info`"),
    LOG_FORMAT(Group.DIAGNOSTICS, "`json` or other", "plain", "how lines look"),
    AUTHZ_POLICY_INFO_LOGGING(
            Group.DIAGNOSTICS, "`true` or other", "off", "policy decisions at INFO, not DEBUG"),
    COMPLIANCE_POLICY(Group.DIAGNOSTICS, "`pqc` or other", "off", "post-quantum key exchange only"),
    TLS12_ENABLED(Group.DIAGNOSTICS, "`true` or other", "off", "allow TLS 1.2"),

    PROXY_CONFIG(Group.FILES, "YAML or JSON", "–", "the keys of ProxyConfig below");

    /// The headings of the document.
    enum Group {
        CONTROL_PLANE("Control plane and identity"),
        NODE("This node"),
        SOCKETS("Mode and sockets"),
        TUNNELS("Tunnels, threads, shutdown"),
        CONNECTIONS("Failing endpoints and missing policies"),
        BOUNDS("Bounds"),
        DIAGNOSTICS("Logs and cryptography"),
        FILES("Structured configuration");

        final String title;

        Group(String title) {
            this.title = title;
        }
    }

    final Group group;
    final String type;
    final String defaultText;
    final String meaning;

    Setting(Group group, String type, String defaultText, String meaning) {
        this.group = group;
        this.type = type;
        this.defaultText = defaultText;
        this.meaning = meaning;
    }
}
