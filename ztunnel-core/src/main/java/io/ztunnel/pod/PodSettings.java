package io.ztunnel.pod;

import io.ztunnel.dns.DnsSettings;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.outbound.OutboundSettings;
import io.ztunnel.policy.UnknownPolicies;
import io.ztunnel.route.RouteSettings;

import org.jspecify.annotations.Nullable;

/// What every pod of this process gets (docs/spec/dataplane.md 1.1 and 9).
///
/// @param sockets of connections to applications and peers
/// @param listenerMark whether listeners carry the packet mark too, as in shared mode they must
/// @param sharedPorts whether another process may hold the same ports, so that a new version can
/// take     over; otherwise a taken port is an error
/// @param transparent whether the application shall see the client's address
/// @param ipv6 whether listeners take IPv6
/// @param baggage whether answers carry our baggage and peers' baggage is read
/// @param policyInfo whether verdicts are logged at INFO
/// @param unknownPolicies what becomes of connections to workloads that list policies nobody knows
/// @param retry how other endpoints are tried
/// @param tunnelsOnly whether there is only the listener on 15008
/// @param socks whether there is a SOCKS5 listener
/// @param dns null where names are nobody's business here
public record PodSettings(
        RouteSettings routes,
        TunnelSettings tunnels,
        SocketSettings sockets,
        boolean listenerMark,
        boolean sharedPorts,
        ListenerSettings.Transparent transparent,
        boolean ipv6,
        boolean baggage,
        boolean policyInfo,
        UnknownPolicies unknownPolicies,
        OutboundSettings.Retry retry,
        boolean tunnelsOnly,
        Socks socks,
        @Nullable DnsSettings dns) {

    /// SOCKS5 on port 15080 of the pod's loopback (docs/spec/dataplane.md 10).
    public enum Socks {
        OFF,
        /// Clients may name destinations by address.
        ADDRESSES,
        /// And by host name.
        NAMES
    }

    /// For this proxy's own pod: others reach it through tunnels, and it appears as itself
    /// (docs/spec/dataplane.md 1.3).
    public PodSettings ofOurselves() {
        return new PodSettings(
                routes,
                tunnels,
                sockets.withMark(0),
                false,
                false,
                ListenerSettings.Transparent.OFF,
                ipv6,
                baggage,
                policyInfo,
                unknownPolicies,
                retry,
                true,
                Socks.OFF,
                null);
    }
}
