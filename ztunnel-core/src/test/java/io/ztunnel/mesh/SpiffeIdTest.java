package io.ztunnel.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// docs/spec/identity-and-tls.md 9, rows E1 to E8.
class SpiffeIdTest {

    @ParameterizedTest
    @CsvSource({
        "spiffe://cluster.local/ns/namespace/sa/service-account, cluster.local, namespace,"
                + " service-account",
        "spiffe://td/ns/ns/sa/sa, td, ns, sa",
        "spiffe://td.with.dots/ns/ns.with.dots/sa/sa.with.dots, td.with.dots, ns.with.dots,"
                + " sa.with.dots",
        "spiffe://td/ns//sa/, td, '', ''",
    })
    void E1_E2_E3_E4_anIdentityIsReadAndWrittenAsItIs(
            String text, String trustDomain, String namespace, String account) {
        SpiffeId id = SpiffeId.parse(text);

        assertThat(id).isEqualTo(new SpiffeId(trustDomain, namespace, account));
        assertThat(id).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "td/ns/ns/sa/sa",
                "spiffe://td/ns/ns/sa",
                "spiffe://td/ns/ns/sa/sa/",
                "spiffe://td/ns/ns/foobar/sa/",
                "spiffe://td/foobar/ns/sa/sa",
                "SPIFFE://td/ns/ns/sa/sa",
                "",
            })
    void E5_E6_E7_E8_anythingElseIsNone(String text) {
        assertThat(SpiffeId.parseOrNull(text)).isNull();
        assertThatThrownBy(() -> SpiffeId.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("invalid spiffe identity: " + text);
    }

    /// Policies are written without the scheme.
    @Test
    void aPrincipalIsTheIdentityWithoutItsScheme() {
        assertThat(SpiffeId.parse("spiffe://td/ns/a/sa/b").principal()).isEqualTo("td/ns/a/sa/b");
    }
}
