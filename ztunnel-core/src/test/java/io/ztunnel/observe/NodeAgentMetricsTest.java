package io.ztunnel.observe;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ztunnel.observe.NodeAgentFacts.Answers;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

/// docs/spec/inpod-and-deployment.md 1.8, the families of ours.
class NodeAgentMetricsTest {
    private final Metrics metrics = new Metrics("test", null);

    private List<String> samples(String part) {
        return new String(metrics.expose(), UTF_8)
                .lines()
                .filter(line -> line.contains(part) && !line.startsWith("#"))
                .toList();
    }

    @Test
    void withoutANodeAgentThereAreNoFamiliesOfIt() {
        assertThat(samples("_agent_")).isEmpty();
    }

    @Test
    void whatHappenedIsToldByReasonAndPort() {
        metrics.nodeAgent(
                new NodeAgentFacts(
                        true,
                        3,
                        Map.of("closed", 1L, "protocol", 1L),
                        Map.of("truncated", 1L),
                        Answers.NONE,
                        5,
                        2,
                        Map.of(15008, 4L, 15001, 1L),
                        1));
        assertThat(samples("_agent_"))
                .contains(
                        "ztunnel_java_agent_connected 1",
                        "ztunnel_java_agent_conversations_total 3",
                        "ztunnel_java_agent_disconnects_total{reason=\"closed\"} 1",
                        "ztunnel_java_agent_disconnects_total{reason=\"protocol\"} 1",
                        "ztunnel_java_agent_nacks_total{reason=\"truncated\"} 1");
        assertThat(samples("java_pod"))
                .containsExactly(
                        "ztunnel_java_pod_start_failures_total 5",
                        "ztunnel_java_pods_without_namespace_total 2",
                        "ztunnel_java_pod_bind_failures_total{port=\"15001\"} 1",
                        "ztunnel_java_pod_bind_failures_total{port=\"15008\"} 4",
                        "ztunnel_java_pods_kept_without_proxy 1");
    }

    @Test
    void answersAreCountedIntoTheirBuckets() {
        metrics.nodeAgent(
                new NodeAgentFacts(
                        true,
                        1,
                        Map.of(),
                        Map.of(),
                        Answers.NONE.with(0.002).with(0.004).with(4).with(60),
                        0,
                        0,
                        Map.of(),
                        0));
        assertThat(samples("answer_duration"))
                .contains(
                        "ztunnel_java_agent_answer_duration_seconds_bucket{le=\"0.001\"} 0",
                        "ztunnel_java_agent_answer_duration_seconds_bucket{le=\"0.005\"} 2",
                        "ztunnel_java_agent_answer_duration_seconds_bucket{le=\"2.5\"} 2",
                        "ztunnel_java_agent_answer_duration_seconds_bucket{le=\"5.0\"} 3",
                        "ztunnel_java_agent_answer_duration_seconds_bucket{le=\"+Inf\"} 4",
                        "ztunnel_java_agent_answer_duration_seconds_count 4");
    }

    @Test
    void theProcessTellsOfItself() {
        metrics.self(1, 2, 0);
        metrics.self(0, 1, 0);
        metrics.portStrangers(1);
        assertThat(samples("event_loop"))
                .containsExactly(
                        "ztunnel_java_event_loops_stuck 0",
                        "ztunnel_java_event_loop_stalls_total 3");
        assertThat(samples("strangers"))
                .containsExactly("ztunnel_java_pod_ports_shared_with_strangers 1");
    }
}
