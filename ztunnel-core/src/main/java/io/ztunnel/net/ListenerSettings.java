package io.ztunnel.net;

/// How a listener opens its port (docs/spec/inpod-and-deployment.md 2.4 and 2.5).
///
/// @param sharing who else may listen on the port
/// @param transparent whether accepted sockets may answer for foreign addresses
/// @param backlog connections the kernel holds until they are accepted
/// @param keepAliveOnAccepted whether accepted sockets get the keep-alive and user timeout of
///     `sockets`; off where the protocol has its own pings
/// @param sockets mark of the listener, inherited by what it accepts, and the keep-alive values
public record ListenerSettings(
        PortSharing sharing,
        Transparent transparent,
        int backlog,
        boolean keepAliveOnAccepted,
        SocketSettings sockets) {

    /// For each worker; the namespace's `somaxconn`, usually 4096, is the limit. Upstream has 128
    /// for a whole pod: whoever does not fit waits a second for his next SYN.
    public static final int DEFAULT_BACKLOG = 1024;

    public ListenerSettings {
        if (backlog < 1) {
            throw new IllegalArgumentException("backlog must be positive: " + backlog);
        }
    }

    public enum PortSharing {
        /// Nobody: binding fails when the port is taken, and takes it.
        ALONE,
        /// Whoever of the same user also asks for sharing (`SO_REUSEPORT`): our other workers, and
        /// the next version of ourselves during an upgrade.
        SHARED,
        /// The first listener of a group of our own: fails when anybody holds the port, afterwards
        /// our other workers may join with [#JOINING].
        FOUNDER,
        /// One that joins our own group after its [#FOUNDER]. What it accepted does not keep the
        /// next founder away while it lingers in TIME_WAIT, as it would with [#SHARED].
        JOINING
    }

    /// `IP_TRANSPARENT`, the condition for keeping the original source address.
    public enum Transparent {
        REQUIRED,
        BEST_EFFORT,
        OFF
    }
}
