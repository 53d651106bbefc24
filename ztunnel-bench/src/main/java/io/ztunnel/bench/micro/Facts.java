package io.ztunnel.bench.micro;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Workload;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Workloads and services in the shapes of upstream's benchmarks, by number.
final class Facts {
    private static final PortMap PORTS = PortMap.of(Map.of(80, 1234));

    private Facts() {}

    /// Workload `i` at 127.0.x.y; an endpoint of the service when one is given.
    static Workload workload(int i, List<NamespacedHostname> services) {
        Map<NamespacedHostname, PortMap> ports = new HashMap<>();
        services.forEach(service -> ports.put(service, PORTS));
        return Workload.builder()
                .uid("cluster1//v1/Pod/default/" + i)
                .name("pod-" + i)
                .workloadName("deployment-" + i)
                .namespace("default")
                .addresses(List.of(IpAddress.v4(0x7f000000 + i / 255 * 256 + i % 255)))
                .usualDefaults()
                .services(ports)
                .build();
    }

    /// A service with one address, port 80.
    static Service.Builder service(String hostname, int address) {
        return Service.builder()
                .name(hostname)
                .namespace("")
                .hostname(hostname)
                .vips(List.of(new NetworkAddress("", IpAddress.v4(address))))
                .ports(PortMap.of(Map.of(80, 0)));
    }

    static NamespacedHostname key(String hostname) {
        return new NamespacedHostname("", hostname);
    }
}
