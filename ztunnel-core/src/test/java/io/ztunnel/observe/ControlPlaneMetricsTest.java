package io.ztunnel.observe;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;

import java.util.List;

/// docs/spec/control-plane.md 2.13, the families of ours.
class ControlPlaneMetricsTest {
    private static final long SECOND = 1_000_000_000;

    private final Metrics metrics = new Metrics("test", null);

    private List<String> samples() {
        return new String(metrics.expose(), UTF_8)
                .lines()
                .filter(line -> line.contains("java_xds") || line.contains("java_mesh"))
                .filter(line -> !line.startsWith("#"))
                .toList();
    }

    @Test
    void withoutAControlPlaneThereAreNoFamiliesOfIt() {
        assertThat(samples()).isEmpty();
    }

    @Test
    void agesAreThoseOfTheScrape() {
        // Half a second more, so that a slow scrape still rounds to the same second.
        long now = System.nanoTime() - SECOND / 2;
        metrics.controlPlane(
                new ControlPlaneFacts(
                        false,
                        now - 90 * SECOND,
                        3,
                        List.of(new ControlPlaneFacts.OfType("a", now - 7_200 * SECOND, 20, 2, 1)),
                        now - 100 * SECOND));

        assertThat(samples())
                .containsExactly(
                        "ztunnel_java_xds_connected 0",
                        "ztunnel_java_xds_state_seconds 90",
                        "ztunnel_java_xds_streams_total 3",
                        "ztunnel_java_xds_silent_seconds{url=\"a\"} 7200",
                        "ztunnel_java_xds_resources{url=\"a\"} 20",
                        "ztunnel_java_xds_rejected_resources{url=\"a\"} 2",
                        "ztunnel_java_xds_nacks_total{url=\"a\"} 1",
                        "ztunnel_java_xds_snapshot_age_seconds 100");
    }

    @Test
    void withoutAKeptStateItHasNoAge() {
        metrics.controlPlane(new ControlPlaneFacts(true, System.nanoTime(), 1, List.of(), null));
        metrics.mesh(new MeshFacts(4, 3, 2, 1));

        assertThat(samples())
                .contains(
                        "ztunnel_java_xds_connected 1",
                        "ztunnel_java_mesh_workloads 4",
                        "ztunnel_java_mesh_services 3",
                        "ztunnel_java_mesh_policies 2",
                        "ztunnel_java_mesh_unknown_policies 1")
                .noneMatch(line -> line.contains("snapshot_age"));
    }
}
