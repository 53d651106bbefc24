package io.ztunnel.route;

/// Every way in which a connection is refused, one line each (docs/spec/dataplane.md 2.1, 2.2,
/// 3.2). Operators search logs for these sentences, so they are the reference's, letter by letter.
public enum Refusal {
    CALLS_ITSELF(503, "-", "attempted recursive call to ourselves"),
    LOCAL_WORKLOAD_UNKNOWN(503, "-", "failed to fetch information about local workload: {}"),
    NO_HEALTHY_UPSTREAM(503, "-", "no healthy upstream: {}"),
    NO_SERVICE_FOR_ADDRESS(503, "-", "no service for target address: {}"),
    NO_VALID_DESTINATION(503, "-", "no valid routing destination for workload: {}"),
    UNKNOWN_WAYPOINT(503, "-", "unknown waypoint: {}"),
    UNKNOWN_NETWORK_GATEWAY(503, "-", "unknown network gateway: {}"),
    NO_ADDRESS_RESOLVED(503, "-", "no ip addresses were resolved for workload: {}"),
    NO_RECORD_RESOLVED(
            503,
            "-",
            "ip addresses were resolved for workload {}, but valid dns response had no A/AAAA"
                    + " records"),
    LOOKUP_UNANSWERED(503, "-", "no answer from the control plane in time: {}"),
    NOT_CONNECT(400, "-", "expected method CONNECT, got {}"),
    BAD_AUTHORITY(400, "-", "no valid authority pseudo header: {}"),
    IP_MISMATCH(400, "-", "ip mismatch: {}"),
    UNKNOWN_HOSTNAME(503, "-", "no service or workload for hostname: {}"),
    PORT_NOT_RESOLVED(503, "-", "requested service {} found, but cannot resolve port"),
    SERVICE_WITHOUT_ADDRESS(503, "-", "requested service {} found, but has no IP addresses"),
    POLICY_DENIED(401, "DENY", "connection closed due to policy rejection: {}"),
    POLICY_CHANGED(401, "DENY", "connection closed due to policy change"),
    UPSTREAM_UNREACHABLE(503, "CONNECT", "connection failed: {}");

    private final int status;
    private final String flag;
    private final String sentence;

    Refusal(int status, String flag, String sentence) {
        this.status = status;
        this.flag = flag;
        this.sentence = sentence;
    }

    /// The HTTP status that a peer of a CONNECT gets; there is none to send to a plain socket.
    public int status() {
        return status;
    }

    /// The value of `response_flags`.
    public String flag() {
        return flag;
    }

    /// The sentence with what it is about in place of its one gap.
    public String about(Object subject) {
        return sentence.replace("{}", subject.toString());
    }

    public String sentence() {
        return sentence;
    }
}
