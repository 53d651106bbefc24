package io.ztunnel.feed;

import com.google.protobuf.ByteString;

import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.GatewayDestination;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.xds.proto.workload.Port;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The parts that workloads, services and policies have in common.
final class Addresses {
    /// Where the IPv4 address begins in an IPv4-mapped IPv6 address, in bits.
    private static final int MAPPED_PREFIX = 96;

    private Addresses() {}

    static IpAddress ip(ByteString bytes, String field) throws Untranslatable {
        if (bytes.size() != 4 && bytes.size() != 16) {
            throw new Untranslatable(field + ": an address has 4 or 16 bytes, not " + bytes.size());
        }
        return IpAddress.of(bytes.toByteArray());
    }

    /// @param length as sent; the family that counts is the one of the bytes
    static Cidr cidr(ByteString bytes, int length, String field) throws Untranslatable {
        IpAddress base = ip(bytes, field);
        boolean mapped = bytes.size() == 16 && !base.isV6();
        int prefix = mapped ? length - MAPPED_PREFIX : length;
        if (length < 0 || length > bytes.size() * 8 || prefix < 0) {
            throw new Untranslatable(field + ": a prefix of " + length + " bits does not fit");
        }
        return new Cidr(base, prefix);
    }

    static GatewayAddress gateway(
            io.ztunnel.xds.proto.workload.GatewayAddress message, String field)
            throws Untranslatable {
        GatewayDestination destination =
                switch (message.getDestinationCase()) {
                    case HOSTNAME ->
                            new NamespacedHostname(
                                    message.getHostname().getNamespace(),
                                    message.getHostname().getHostname());
                    case ADDRESS ->
                            new NetworkAddress(
                                    message.getAddress().getNetwork(),
                                    ip(message.getAddress().getAddress(), field));
                    case DESTINATION_NOT_SET ->
                            throw new Untranslatable(field + ": names no destination");
                };
        return new GatewayAddress(destination, port(message.getHboneMtlsPort()));
    }

    static PortMap ports(List<Port> ports) {
        if (ports.isEmpty()) {
            return PortMap.EMPTY;
        }
        Map<Integer, Integer> map = new HashMap<>();
        ports.forEach(port -> map.put(port(port.getServicePort()), port(port.getTargetPort())));
        return PortMap.of(map);
    }

    /// Larger values lose their upper bits, as in the reference (docs/spec/control-plane.md 2.7).
    static int port(int sent) {
        return sent & 0xffff;
    }
}
