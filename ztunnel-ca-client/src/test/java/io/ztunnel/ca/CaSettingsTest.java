package io.ztunnel.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;

class CaSettingsTest {
    @Test
    void E31_aMissingSchemeIsHttps() {
        assertThat(CaSettings.address("host:15012")).isEqualTo(URI.create("https://host:15012"));
    }

    @Test
    void E32_noAddressIsAnErrorOfTheSettings() {
        assertThatThrownBy(() -> CaSettings.address("")).hasMessageContaining("CA_ADDRESS");
    }

    @Test
    void plaintextIsRefusedAtOnce() {
        assertThatThrownBy(
                        () ->
                                CaSettings.shared(
                                        URI.create("http://host:15012"),
                                        RootSource.of("SYSTEM"),
                                        new TokenSource.Anonymous()))
                .hasMessageContaining("https://host:port");
    }

    @Test
    void E30_theClusterIsKubernetesUnlessToldOtherwise() {
        assertThat(
                        CaSettings.shared(
                                        URI.create("https://host:15012"),
                                        RootSource.of("SYSTEM"),
                                        new TokenSource.Anonymous())
                                .clusterId())
                .isEqualTo("Kubernetes");
    }

    @Test
    void noSecretIsInTheText() {
        CaSettings settings =
                new CaSettings(
                        List.of(URI.create("https://host:15012")),
                        RootSource.of("/root.pem"),
                        null,
                        new TokenSource.Literal("s3cret"),
                        "c",
                        Duration.ofHours(1),
                        Map.of("x-key", "hidden"),
                        true,
                        Duration.ofSeconds(1),
                        false,
                        CaSettings.CLASSIC_GROUPS);
        assertThat(settings.toString()).contains("x-key").doesNotContain("hidden", "s3cret");
        assertThat(settings.token().toString()).doesNotContain("s3cret");
    }

    @Test
    void rootsAreAFileUnlessTheyArePemOrTheSystems() {
        assertThat(RootSource.of("SYSTEM")).isInstanceOf(RootSource.SystemStore.class);
        assertThat(RootSource.of("./some/file")).isInstanceOf(RootSource.PemFile.class);
        assertThat(RootSource.of("-----BEGIN CERTIFICATE-----")).isInstanceOf(RootSource.Pem.class);
    }
}
