package io.ztunnel.route;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.function.Function;

/// Where an outbound connection should go. The dialer handles every case; the compiler checks that
/// it does.
public sealed interface OutboundRoute {

    /// The workload that telemetry names as the destination, as far as it is known now.
    default @Nullable Workload destination() {
        return null;
    }

    /// The service that was addressed, for telemetry and the `forwarded` header.
    default @Nullable Service service() {
        return null;
    }

    /// The mesh knows nothing about this address, or is asked to leave it alone: carry the bytes to
    /// it unchanged.
    record Passthrough(IpAddress ip, int port) implements OutboundRoute {}

    /// A mesh workload that does not speak HBONE.
    record Plain(Hop hop, @Override @Nullable Service service) implements OutboundRoute {
        @Override
        public Workload destination() {
            return hop.workload();
        }
    }

    /// One tunnel, ended by the workload's own proxy or by a waypoint.
    ///
    /// @param authority what to ask for at its end
    record Tunnel(Hop hop, Authority authority, @Override @Nullable Service service)
            implements OutboundRoute {
        @Override
        public Workload destination() {
            return hop.workload();
        }
    }

    /// A tunnel inside a tunnel: the outer one ends at a network gateway.
    ///
    /// @param innerIdentities any of which the inner peer may prove to have; where there are none
    ///     the inner handshake can only fail
    /// @param authority what both tunnels ask for: the service and its port
    record NestedTunnel(
            Hop gateway,
            List<SpiffeId> innerIdentities,
            Authority authority,
            @Override Service service)
            implements OutboundRoute {
        /// The gateway, until the inner peer has said who it is.
        @Override
        public Workload destination() {
            return gateway.workload();
        }
    }

    /// Not allowed, or impossible.
    ///
    /// @param text the sentence for the log
    record Refused(Refusal reason, String text) implements OutboundRoute {
        static Refused of(Refusal reason, Object subject) {
            return new Refused(reason, reason.about(subject));
        }
    }

    /// This snapshot cannot answer: ask the control plane for the key, then decide again, with the
    /// key among those that were asked for.
    ///
    /// @param key `<network>/<ip>` or `<namespace>/<hostname>`
    record NeedsLookup(String key) implements OutboundRoute {}

    /// The chosen workload has only a host name: resolve it (A and AAAA), then go on with [#at].
    /// The choice is made and is not made again.
    ///
    /// @param workload whose `hostname` is to be resolved
    /// @param like prefer an address of the family of this one
    record NeedsDns(Workload workload, IpAddress like, Function<IpAddress, OutboundRoute> next)
            implements OutboundRoute {

        @Override
        public Workload destination() {
            return workload;
        }

        /// The route to the address that was resolved.
        public OutboundRoute at(IpAddress resolved) {
            return next.apply(resolved);
        }
    }
}
