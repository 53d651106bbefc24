package io.ztunnel.dns;

import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service.IpFamilies;
import io.ztunnel.testkit.MeshKit;

/// The mesh of docs/spec/config-observability-dns.md 6.8.
final class FixtureF {
    private static final String SVC = ".svc.cluster.local";

    private FixtureF() {}

    static MeshSnapshot mesh() {
        return kit().snapshot();
    }

    static MeshKit kit() {
        MeshKit kit = MeshKit.mesh();
        kit.workload("client").in("ns1").network("nw1").at("10.0.0.1").end();
        service(kit, "www.google.com", "ns1", "1.1.1.1").end();
        service(kit, "productpage.ns1" + SVC, "ns1", "9.9.9.9").end();
        service(kit, "example.ns2" + SVC, "ns2", "10.10.10.10").end();
        service(kit, "nslocal.ns2" + SVC, "ns2", "10.10.10.240").namespaceOnly().end();
        service(kit, "nslocalsame.ns1" + SVC, "ns1", "10.10.10.241").namespaceOnly().end();
        service(kit, "everywhere.io", "ns2", "10.10.10.110").end();
        service(kit, "everywhere.io", "preferred-ns", "10.10.10.111").end();
        service(kit, "everywhere.io", "ns1", "10.10.10.112").end();
        service(kit, "preferred.io", "ns2", "10.10.10.210").end();
        service(kit, "preferred.io", "preferred-ns", "10.10.10.211").end();
        service(kit, "canonical.svc", "ns2", "10.10.10.140").end();
        service(kit, "canonical.svc", "ns3", "10.10.10.141").canonical().end();
        service(kit, "canonical.with.local", "ns1", "10.10.10.150").end();
        service(kit, "canonical.with.local", "ns2", "10.10.10.151").canonical().end();
        service(
                        kit,
                        "details.ns2.svc.cluster.remote",
                        "ns2",
                        "11.11.11.11",
                        "12.12.12.12",
                        "13.13.13.13",
                        "14.14.14.14")
                .end();
        service(kit, "ipv4.localhost", "ns1", "2.2.2.2").end();
        service(kit, "ipv6.localhost", "ns1", "2001:db8::ff00:42:8329").end();
        service(kit, "dual.localhost", "ns1", "2.2.2.2", "2001:db8::ff00:42:8329").end();
        service(kit, "*.wildcard", "ns1", "10.10.10.10").end();
        service(kit, "*.b.wildcard", "ns1", "11.11.11.11").end();
        service(kit, "*.svc.mesh.company.net", "ns1", "10.1.2.3").end();
        kit.service("nw2-only.ns1" + SVC).in("ns1").vip("nw2", "20.20.20.20").end();
        service(kit, "both-networks.ns1" + SVC, "ns1", "21.21.21.21")
                .vip("nw2", "22.22.22.22")
                .end();
        kit.service("headless.ns1" + SVC).in("ns1").end();
        pod(kit, "headless.ns1" + SVC, "pod0", "30.30.30.30", "2001:db8::30");
        pod(kit, "headless.ns1" + SVC, "pod1", "31.31.31.31", "2001:db8::31");
        kit.service("headless-ipv6.ns1" + SVC).in("ns1").families(IpFamilies.IPV6).end();
        pod(kit, "headless-ipv6.ns1" + SVC, "pod3", "33.33.33.33", "2001:db8::33");
        kit.service("headless.example.com").in("ns1").end();
        pod(kit, "headless.example.com", "pod4", "34.34.34.34", "2001:db8::34");
        kit.service("headless-no-endpoints.example.com").in("ns1").end();
        return kit;
    }

    static MeshKit.ServiceWords service(
            MeshKit kit, String hostname, String namespace, String... vips) {
        MeshKit.ServiceWords words = kit.service(hostname).in(namespace);
        for (String vip : vips) {
            words.vip("nw1", vip);
        }
        return words;
    }

    static void pod(MeshKit kit, String service, String name, String... ips) {
        kit.workload(name).in("ns1").network("nw1").at(ips).backs(service, 80, 8080).end();
    }
}
