package io.ztunnel.inbound;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.policy.UnknownPolicies;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Map;

/// docs/spec/dataplane.md 13.4, rows 81 to 86: what peers tell each other of themselves.
@Timeout(60)
class BaggageIT {
    private static final String A = "spiffe://cluster.local/ns/ns/sa/a";
    private static final Map<String, String> SAYS =
            Map.of(
                    "baggage",
                    "k8s.cluster.name=far,k8s.namespace.name=shop,k8s.deployment.name=cart");

    private InboundBench bench;

    private void open(boolean baggage) throws Exception {
        bench = new InboundBench(baggage, UnknownPolicies.PASS_OVER);
        bench.edit(delta -> delta.upsert(mesh().workload("server").at(InboundBench.POD).build()));
    }

    @AfterEach
    void close() throws Exception {
        bench.close();
    }

    private void endAll() throws Exception {
        bench.drain();
    }

    @Test
    void row81_theAnswerDescribesThePod() throws Exception {
        open(true);

        assertThat(bench.ask("10.0.0.1", A, Map.of()).baggage)
                .contains("k8s.cluster.name=Kubernetes", "k8s.namespace.name=ns");
    }

    @Test
    void row82_theAnswerSaysNothingWhereBaggageIsOff() throws Exception {
        open(false);
        InboundBench.Asked asked = bench.ask("10.0.0.1", A, Map.of());

        assertThat(asked.status()).isEqualTo(200);
        assertThat(asked.baggage).isNull();
    }

    @Test
    void row83_anErrorCarriesNoBaggage() throws Exception {
        open(true);
        InboundBench.Asked asked = bench.ask("GET", "10.0.0.1", A, Map.of());

        assertThat(asked.status()).isEqualTo(400);
        assertThat(asked.baggage).isNull();
    }

    @Test
    void row84_whatThePeerSaysIsInTheTelemetry() throws Exception {
        open(true);
        bench.ask("10.0.0.1", A, SAYS);
        endAll();

        assertThat(bench.told.lines("connection complete"))
                .singleElement()
                .asString()
                .contains("src.namespace=\"shop\"", "src.cluster=\"far\"");
        assertThat(bench.told.samples("istio_tcp_connections_opened_total"))
                .singleElement()
                .asString()
                .contains("source_workload=\"cart\"", "source_workload_namespace=\"shop\"");
    }

    @Test
    void row85_whatThePeerSaysIsIgnoredWhereBaggageIsOff() throws Exception {
        open(false);
        bench.ask("10.0.0.1", A, SAYS);
        endAll();

        assertThat(bench.told.lines("shop")).isEmpty();
        assertThat(bench.told.samples("istio_tcp_connections_opened_total"))
                .singleElement()
                .asString()
                .contains("source_workload=\"unknown\"", "source_cluster=\"unknown\"");
    }

    @Test
    void row86_anotherMethodIsRefused() throws Exception {
        open(true);

        assertThat(bench.ask("GET", "10.0.0.1", A, Map.of()).status()).isEqualTo(400);
        assertThat(bench.told.lines("expected method CONNECT, got GET")).hasSize(1);
    }
}
