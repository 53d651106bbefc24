package io.ztunnel.inbound;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.policy.UnknownPolicies;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Map;

/// docs/spec/dataplane.md 13, row 199: when the address of the tunnel's peer says who the client
/// is.
@Timeout(60)
class SourceLookupIT {
    private static final String CLIENT = "10.0.0.1";
    private static final String A = "spiffe://cluster.local/ns/ns/sa/a";

    private InboundBench bench;

    @BeforeEach
    void open() throws Exception {
        bench = new InboundBench("Net-1", true, UnknownPolicies.PASS_OVER);
        bench.edit(
                delta -> {
                    delta.upsert(
                            mesh().workload("server")
                                    .network("Net-1")
                                    .at(InboundBench.POD)
                                    .build());
                    delta.upsert(mesh().workload("known").network("Net-1").at(CLIENT).build());
                });
    }

    @AfterEach
    void close() throws Exception {
        bench.close();
    }

    private String lineFor(String forwardedNetwork) throws Exception {
        bench.ask(
                CLIENT,
                A,
                Map.of(
                        "baggage",
                        "k8s.namespace.name=far,k8s.deployment.name=said",
                        "x-forwarded-network",
                        forwardedNetwork));
        bench.drain();
        return bench.told.lines("connection complete").getFirst();
    }

    @Test
    void row199_ourOwnNetworkInOtherLettersIsOurOwn() throws Exception {
        assertThat(lineFor("nET-1")).contains("src.workload=\"known\"");
    }

    @Test
    void row199_throughAGatewayOfAnotherNetworkItsAddressSaysNothing() throws Exception {
        assertThat(lineFor("net-2"))
                .contains("src.namespace=\"far\"")
                .doesNotContain("src.workload=\"known\"");
    }
}
