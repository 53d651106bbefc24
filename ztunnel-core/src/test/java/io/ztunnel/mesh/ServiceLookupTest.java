package io.ztunnel.mesh;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// docs/spec/dataplane.md 13.3, rows 60 to 68; docs/spec/control-plane.md 4.6.
class ServiceLookupTest {
    private static String at(MeshSnapshot mesh, String network, String ip, String client) {
        ServiceEntry found = mesh.serviceByAddress(network, ip(ip), client);
        return found == null ? "-" : found.service().namespace() + "/" + found.service().hostname();
    }

    private static String named(MeshSnapshot mesh, String hostname, String client) {
        ServiceEntry found = mesh.serviceByHostname(hostname, client);
        return found == null ? "-" : found.service().namespace();
    }

    @Test
    void row60_row61_sharedAddress() {
        MeshSnapshot mesh =
                mesh().service("s")
                        .in("ns-a")
                        .vip("10.0.0.1")
                        .service("s")
                        .in("ns-b")
                        .vip("10.0.0.1")
                        .service("only")
                        .in("ns-a")
                        .vip("10.0.0.2")
                        .snapshot();

        assertThat(at(mesh, "", "10.0.0.1", "ns-a")).isEqualTo("ns-a/s");
        assertThat(at(mesh, "", "10.0.0.1", "ns-b")).isEqualTo("ns-b/s");
        assertThat(at(mesh, "", "10.0.0.1", "ns-c")).isEqualTo("ns-a/s");
        assertThat(at(mesh, "", "10.0.0.2", "ns-b")).isEqualTo("ns-a/only");
        assertThat(at(mesh, "other", "10.0.0.1", "ns-a")).isEqualTo("-");
    }

    @Test
    void row62_row63_namespaceVisibility() {
        MeshSnapshot mesh =
                mesh().service("s").in("ns-a").vip("10.0.0.1").namespaceOnly().snapshot();

        assertThat(at(mesh, "", "10.0.0.1", "ns-a")).isEqualTo("ns-a/s");
        assertThat(at(mesh, "", "10.0.0.1", "ns-b")).isEqualTo("-");
        assertThat(at(mesh, "", "10.0.0.1", null)).isEqualTo("ns-a/s");
    }

    @Test
    void row64_invisibleExactAddressFallsThroughToTheRange() {
        MeshSnapshot mesh =
                mesh().service("exact")
                        .in("ns-a")
                        .vip("10.0.0.1")
                        .namespaceOnly()
                        .service("range")
                        .in("ns-b")
                        .range("", "10.0.0.0/24")
                        .snapshot();

        assertThat(at(mesh, "", "10.0.0.1", "ns-c")).isEqualTo("ns-b/range");
        assertThat(at(mesh, "", "10.0.0.1", "ns-a")).isEqualTo("ns-a/exact");
    }

    @Test
    void row65_row66_hostnames() {
        MeshSnapshot mesh =
                mesh().service("s")
                        .in("ns-a")
                        .namespaceOnly()
                        .service("s")
                        .in("ns-b")
                        .service("t")
                        .in("ns-a")
                        .namespaceOnly()
                        .snapshot();

        assertThat(named(mesh, "s", "ns-c")).isEqualTo("ns-b");
        assertThat(named(mesh, "s", "ns-a")).isEqualTo("ns-a");
        assertThat(named(mesh, "t", "ns-c")).isEqualTo("-");
        assertThat(named(mesh, "t", null)).isEqualTo("ns-a");
    }

    @Test
    void row67_ownNamespaceBeforeTheLongerPrefix() {
        MeshSnapshot mesh =
                mesh().service("wide")
                        .in("ns-a")
                        .range("", "10.0.0.0/16")
                        .service("narrow")
                        .in("ns-b")
                        .range("", "10.0.1.0/24")
                        .snapshot();

        assertThat(at(mesh, "", "10.0.1.5", "ns-a")).isEqualTo("ns-a/wide");
        assertThat(at(mesh, "", "10.0.1.5", "ns-c")).isEqualTo("ns-b/narrow");
        assertThat(at(mesh, "", "10.0.0.5", "ns-b")).isEqualTo("ns-a/wide");
        assertThat(at(mesh, "", "10.0.1.5", null)).isEqualTo("ns-b/narrow");
    }

    @ParameterizedTest
    @CsvSource({
        "net-a, 10.0.0.5, ns/exact",
        "net-a, 10.0.0.6, ns/v4",
        "net-a, 10.0.0.255, ns/v4",
        "net-a, 10.0.1.5, -",
        "net-b, 10.0.0.6, -",
        "net-a, 2001:db8::1, ns/v6",
        "net-a, 2001:db9::1, -"
    })
    void row68_exactBeforeRangeFamiliesAndNetworksApart(String network, String ip, String who) {
        MeshSnapshot mesh =
                mesh().service("exact")
                        .vip("net-a", "10.0.0.5")
                        .service("v4")
                        .range("net-a", "10.0.0.0/24")
                        .service("v6")
                        .range("net-a", "2001:db8::/32")
                        .snapshot();

        assertThat(at(mesh, network, ip, "ns")).isEqualTo(who);
    }

    @Test
    void canonicalIsPreferredWhereTheClientHasNone() {
        MeshSnapshot mesh =
                mesh().service("s")
                        .in("a")
                        .vip("10.0.0.1")
                        .service("s")
                        .in("b")
                        .vip("10.0.0.1")
                        .canonical()
                        .service("s")
                        .in("c")
                        .vip("10.0.0.1")
                        .canonical()
                        .snapshot();

        assertThat(at(mesh, "", "10.0.0.1", "x")).isEqualTo("c/s");
        assertThat(at(mesh, "", "10.0.0.1", "a")).isEqualTo("a/s");
    }

    @Test
    void servicesOfOneNamespaceMayShareAnAddress() {
        MeshSnapshot both =
                mesh().service("one").vip("10.0.0.1").service("two").vip("10.0.0.1").snapshot();

        MeshSnapshot less = new MeshDelta(both, "").removeAddress("ns/one").apply();

        assertThat(at(both, "", "10.0.0.1", "ns")).isEqualTo("ns/one");
        assertThat(at(less, "", "10.0.0.1", "ns")).isEqualTo("ns/two");
    }

    /// Ranges by the trie against a walk over a list, with additions and removals.
    @Test
    void rangesAreThoseOfANaiveWalk() {
        Random random = new Random(5);
        MeshSnapshot mesh = MeshSnapshot.empty();
        List<Service> live = new ArrayList<>();
        for (int step = 0; step < 400; step++) {
            MeshDelta delta = new MeshDelta(mesh, "");
            if (!live.isEmpty() && random.nextInt(3) == 0) {
                delta.removeAddress(live.remove(random.nextInt(live.size())).key().toString());
            } else {
                Service service =
                        mesh().service("s" + step)
                                .range(
                                        "",
                                        "10."
                                                + random.nextInt(2)
                                                + "."
                                                + random.nextInt(4)
                                                + ".0/"
                                                + random.nextInt(33))
                                .build();
                live.add(service);
                delta.upsert(service);
            }
            mesh = delta.apply();
            for (int probe = 0; probe < 5; probe++) {
                IpAddress ip =
                        ip("10." + random.nextInt(2) + "." + random.nextInt(4) + "." + probe);
                Service best = null;
                for (Service service : live) {
                    Cidr range = service.cidrVips().getFirst().cidr();
                    if (range.contains(ip)
                            && (best == null
                                    || range.prefixLength()
                                            > best.cidrVips().getFirst().cidr().prefixLength())) {
                        best = service;
                    }
                }
                ServiceEntry found = mesh.serviceByAddress("", ip, "ns");
                assertThat(found == null ? null : found.service()).isEqualTo(best);
            }
        }
    }
}
