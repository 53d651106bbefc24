package io.ztunnel.route;

import static io.ztunnel.testkit.MeshKit.ip;
import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.LoadBalancer.Mode;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service.IpFamilies;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.route.OutboundRoute.NeedsDns;
import io.ztunnel.route.OutboundRoute.Passthrough;
import io.ztunnel.route.OutboundRoute.Refused;
import io.ztunnel.route.OutboundRoute.Tunnel;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// docs/spec/dataplane.md 13.1 (rows 1 to 37, without the headers of 28 to 32) and 13.2 (38 to 42),
/// docs/spec/control-plane.md 4.11 (R1 to R21), where neither waypoints nor other networks come in.
class OutboundRouterTest extends RouterMesh {
    @Test
    void row01_R1_unknownAddressPassesThrough() {
        assertThat(route(base().snapshot(), "1.2.3.4:80"))
                .isEqualTo(new Passthrough(ip("1.2.3.4"), 80));
    }

    @ParameterizedTest
    @CsvSource({"remote-node, false", "remote-node, true", "node, false", "node, true"})
    void row08_R2_row09_R3_row10_row11_workloadByItsAddress(String node, boolean hbone) {
        MeshKit.WorkloadWords words = base().workload("w").at("127.0.0.2").on(node);
        MeshSnapshot mesh = (hbone ? words.hbone() : words).snapshot();

        OutboundRoute route = route(mesh, "127.0.0.2:80");

        assertThat(text(route))
                .isEqualTo(hbone ? "hbone 127.0.0.2:15008 for 127.0.0.2:80" : "tcp 127.0.0.2:80");
        assertThat(route.destination().name()).isEqualTo("w");
    }

    @Test
    void row16_R14_serviceWithoutEndpoints() {
        MeshSnapshot mesh = base().service("svc").vip("127.0.0.3").snapshot();

        OutboundRoute route = route(mesh, "127.0.0.3:80");

        assertThat(text(route)).isEqualTo("refused no healthy upstream: 127.0.0.3:80");
        assertThat(((Refused) route).reason()).isEqualTo(Refusal.NO_HEALTHY_UPSTREAM);
    }

    @Test
    void row17_R15_namedPortGoesToTheEndpointThatMapsIt() {
        MeshSnapshot mesh =
                base().workload("a")
                        .at("127.0.0.2")
                        .backs("svc", 80, 1234)
                        .workload("b")
                        .at("127.0.0.4")
                        .backs("svc", 8080, 9999)
                        .service("svc")
                        .vip("127.0.0.3")
                        .ports(80, 0, 8080, 0)
                        .snapshot();

        for (int i = 0; i < 50; i++) {
            assertThat(text(route(mesh, "127.0.0.3:80"))).isEqualTo("tcp 127.0.0.2:1234");
        }
    }

    @Test
    void row18_R16_row19_R17_hostNetworkPodsShareAnAddress() {
        MeshSnapshot mesh =
                base().workload("pod1")
                        .at("127.0.0.2")
                        .hostNetwork()
                        .backs("svc", 80, 80)
                        .workload("pod2")
                        .at("127.0.0.2")
                        .hostNetwork()
                        .service("svc")
                        .vip("127.0.0.3")
                        .ports(80, 80)
                        .snapshot();

        OutboundRoute byVip = route(mesh, "127.0.0.3:80");
        OutboundRoute direct = route(mesh, "127.0.0.2:80");

        assertThat(text(byVip)).isEqualTo("tcp 127.0.0.2:80");
        assertThat(byVip.destination().name()).isEqualTo("pod1");
        assertThat(direct).isEqualTo(new Passthrough(ip("127.0.0.2"), 80));
        assertThat(direct.destination()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.2:80", "[ff06::c3]:80"})
    void row20_row21_dualStackWorkloadKeepsTheFamilyOfTheCall(String target) {
        MeshSnapshot mesh = base().workload("w").at("127.0.0.2", "ff06::c3").snapshot();

        assertThat(text(route(mesh, target))).isEqualTo("tcp " + target);
    }

    @ParameterizedTest(name = "{0} at {1}: {2}")
    @CsvSource({
        "IPV6, 127.0.0.3:80, hbone [ff06::c3]:15008 for [ff06::c3]:80",
        "IPV4, 127.0.0.3:80, hbone 127.0.0.2:15008 for 127.0.0.2:80",
        "DUAL, 127.0.0.3:80, hbone 127.0.0.2:15008 for 127.0.0.2:80",
        "DUAL, [ff06::cc]:80, hbone [ff06::c3]:15008 for [ff06::c3]:80"
    })
    void row22_to_row25_R18_R19_familiesOfTheService(
            IpFamilies families, String target, String expected) {
        MeshSnapshot mesh =
                base().workload("w")
                        .at("127.0.0.2", "ff06::c3")
                        .hbone()
                        .backs("svc", 80, 80)
                        .service("svc")
                        .vip("127.0.0.3")
                        .vip("ff06::cc")
                        .ports(80, 80)
                        .families(families)
                        .snapshot();

        assertThat(text(route(mesh, target))).isEqualTo(expected);
    }

    @Test
    void row26_R20_passthroughService() {
        MeshSnapshot mesh =
                base().service("svc").vip("1.2.3.4").balanced(Mode.PASSTHROUGH).snapshot();

        assertThat(text(route(mesh, "1.2.3.4:80"))).isEqualTo("passthrough 1.2.3.4:80");
    }

    @ParameterizedTest(name = "weights {0} and {1}: the first in {2} to {3} of 10000")
    @CsvSource({
        "100, 0, 10000, 10000, 127.0.0.10",
        "0, 100, 0, 0, 127.0.0.10",
        "0, 0, 0, 0, 127.0.0.9",
        "75, 25, 7000, 8000, 127.0.0.10"
    })
    void row38_to_row42_weightedDraw(int one, int other, int least, int most, String first) {
        MeshSnapshot mesh =
                base().workload("single")
                        .at("127.0.0.9")
                        .service("svc")
                        .vip("127.0.0.3")
                        .behind("/127.0.0.9")
                        .weighted("/127.0.0.10", one)
                        .weighted("/127.0.0.11", other)
                        .snapshot();
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            counts.merge(
                    ((Tunnel) route(mesh, "127.0.0.3:80")).hop().ip().toString(), 1, Integer::sum);
        }

        if (one + other == 0) {
            assertThat(counts).containsOnlyKeys(first);
        } else {
            assertThat(counts.getOrDefault(first, 0)).isBetween(least, most);
            assertThat(counts).doesNotContainKey("127.0.0.9");
        }
    }

    @Test
    void row62_invisibleServiceIsAnUnknownAddress() {
        MeshSnapshot mesh =
                base().service("svc")
                        .in("other")
                        .vip("127.0.0.3")
                        .namespaceOnly()
                        .service("range")
                        .in("other")
                        .range("", "10.9.0.0/16")
                        .namespaceOnly()
                        .snapshot();

        assertThat(text(route(mesh, "127.0.0.3:80"))).isEqualTo("passthrough 127.0.0.3:80");
        assertThat(text(route(mesh, "10.9.1.1:80"))).isEqualTo("passthrough 10.9.1.1:80");
    }

    @Test
    void row195_workloadWithOnlyAHostNameIsResolvedFirst() {
        MeshSnapshot mesh =
                base().workload("external")
                        .named("db.example.org")
                        .hbone()
                        .backs("svc", 80, 5432)
                        .service("svc")
                        .vip("127.0.0.3")
                        .snapshot();

        NeedsDns needs = (NeedsDns) route(mesh, "127.0.0.3:80");

        assertThat(needs.workload().hostname()).isEqualTo("db.example.org");
        assertThat(needs.like()).isEqualTo(ip("127.0.0.3"));
        assertThat(text(needs.at(ip("192.0.2.7"))))
                .isEqualTo("hbone 192.0.2.7:15008 for 192.0.2.7:5432");
    }

    @Test
    void identitiesOfTheServiceStandBeforeThatOfTheWorkload() {
        MeshSnapshot mesh =
                base().workload("w")
                        .at("127.0.0.2")
                        .hbone()
                        .backs("svc", 80, 80)
                        .service("svc")
                        .vip("127.0.0.3")
                        .accepts("spiffe://td/ns/a/sa/b", "nonsense")
                        .snapshot();

        assertThat(((Tunnel) route(mesh, "127.0.0.3:80")).hop().identities())
                .isEqualTo(
                        List.of(
                                new SpiffeId("td", "a", "b"),
                                new SpiffeId("cluster.local", "ns", "w-sa")));
    }
}
