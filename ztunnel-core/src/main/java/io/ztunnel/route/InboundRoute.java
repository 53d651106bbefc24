package io.ztunnel.route;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.ServiceEntry;

import org.jspecify.annotations.Nullable;

/// Where a stream that arrived at a pod should be delivered to.
public sealed interface InboundRoute {

    /// Connect to the application. `ip` and `port` are what policies compare and logs name, also
    /// where the connection itself goes to the loopback address.
    ///
    /// @param loopback connect to `port` on the loopback address of the family of `ip`
    /// @param announce what a PROXY header in front of the bytes names as the destination
    /// @param service the service that the authority named
    record Deliver(
            IpAddress ip,
            int port,
            boolean loopback,
            Authority.@Nullable Address announce,
            @Nullable ServiceEntry service)
            implements InboundRoute {}

    /// @param text the sentence for the log; the peer gets the status of the reason
    record Refused(Refusal reason, String text) implements InboundRoute {
        static Refused of(Refusal reason, Object subject) {
            return new Refused(reason, reason.about(subject));
        }

        public int status() {
            return reason.status();
        }
    }
}
