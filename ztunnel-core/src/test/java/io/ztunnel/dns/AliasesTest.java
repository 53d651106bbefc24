package io.ztunnel.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.dns.Aliases.Alias;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

/// docs/spec/config-observability-dns.md 6.4, and rows 46 to 57 of 6.8.
class AliasesTest {
    private final Aliases aliases = new Aliases(DnsBench.names());

    @ParameterizedTest(name = "row {0}: expand {1}")
    @CsvSource({
        "46, name, name.ns1.svc.D",
        "47, name.ns2, name.ns2.svc.D name.ns2.ns1.svc.D",
        "48, name.ns2.svc, name.ns2.svc.D name.ns2.svc.svc.D",
        "49, name.ns2.not-svc, name.ns2.not-svc.svc.D",
        "50, pod.sub-domain.ns.svc, pod.sub-domain.ns.svc.D",
        "51, pod.sub-domain.ns.not-svc, ''",
        "52, name.ns2.svc.cluster, ''",
        "52, name.ns2.svc.cluster.local, ''",
        "53, www.google.com, www.google.com.svc.D"
    })
    void rows46To53_whatKubernetesWouldMakeOfAName(int row, String name, String expanded) {
        String all = expanded.replace("D", "cluster.local");
        assertThat(aliases.expanded(name, "ns1"))
                .isEqualTo(all.isEmpty() ? List.of() : List.of(all.split(" ")));
    }

    @Test
    void row56_searchDomainsAreTakenOffAtTheEndOnly() {
        assertThat(Aliases.trimmed("name.ns.svc.cluster.local", "svc.cluster.local"))
                .isEqualTo("name.ns");
        assertThat(Aliases.trimmed("svc.cluster.local", "svc.cluster.local")).isNull();
        assertThat(Aliases.trimmed("other.example.com", "svc.cluster.local")).isNull();
        assertThat(Aliases.trimmed("namesvc.cluster.local", "svc.cluster.local")).isNull();
        assertThat(Aliases.trimmed("a.*.local", "*.local")).isNull();
    }

    @Test
    void row57_aNodesPodsSearchWhereKubernetesLetsThem() {
        assertThat(aliases.search("default-ns"))
                .containsExactly(
                        "default-ns.svc.cluster.local", "svc.cluster.local", "cluster.local");
    }

    @Test
    void onePodSearchesWhereThisProcessDoes() {
        Aliases own =
                new Aliases(
                        new DnsSettings.Names(
                                "cluster.local", null, true, List.of("corp.example")));
        assertThat(own.of("shop.corp.example", "ns1"))
                .containsExactly(
                        new Alias("shop.corp.example", null),
                        new Alias("shop.corp.example.svc.cluster.local", null),
                        new Alias("shop", "shop"),
                        new Alias("shop.ns1.svc.cluster.local", "shop"));
    }

    @Test
    void noNameIsTriedTwice() {
        assertThat(aliases.of("a.ns1.svc.cluster.local", "ns1"))
                .containsExactly(
                        new Alias("a.ns1.svc.cluster.local", null),
                        new Alias("a", "a"),
                        new Alias("a.ns1", "a.ns1"),
                        new Alias("a.ns1.ns1.svc.cluster.local", "a.ns1"),
                        new Alias("a.ns1.svc", "a.ns1.svc"),
                        new Alias("a.ns1.svc.svc.cluster.local", "a.ns1.svc"));
        assertThat(aliases.of("", "ns1")).containsExactly(new Alias("", null));
    }
}
