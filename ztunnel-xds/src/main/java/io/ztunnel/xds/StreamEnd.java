package io.ztunnel.xds;

/// Why a stream ended (docs/spec/control-plane.md 2.10).
///
/// @param status the gRPC status code's name, `OK` for a clean end
/// @param message for operators; never parsed except for the size limit of the server
public record StreamEnd(Reason reason, String status, String message) {

    /// The label values of the termination counter.
    public enum Reason {
        /// The server never began to answer: TCP, TLS, token, or refused before any header.
        CONNECTION_ERROR("ConnectionError"),
        /// The stream broke or was refused.
        ERROR("Error"),
        /// An ordinary recycling of the connection by the server.
        RECONNECT("Reconnect"),
        /// The server closed its half without an error.
        COMPLETE("Complete");

        private final String label;

        Reason(String label) {
            this.label = label;
        }

        /// The value of the metric label `reason`.
        public String label() {
            return label;
        }
    }

    /// An end that this side brought about or noticed.
    public static StreamEnd error(String message) {
        return new StreamEnd(Reason.ERROR, "INTERNAL", message);
    }

    /// The stream could not be started, for example because the token is unreadable.
    public static StreamEnd neverStarted(String message) {
        return new StreamEnd(Reason.CONNECTION_ERROR, "UNAVAILABLE", message);
    }

    /// Whether the server refused a request for its size alone.
    boolean requestTooLarge() {
        return status.equals("RESOURCE_EXHAUSTED") && message.contains("larger than max");
    }

    @Override
    public String toString() {
        return reason.label() + ", " + status + (message.isEmpty() ? "" : ": " + message);
    }
}
