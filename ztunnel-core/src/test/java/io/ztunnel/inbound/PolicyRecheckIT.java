package io.ztunnel.inbound;

import static io.ztunnel.testkit.MeshKit.mesh;
import static io.ztunnel.testkit.PolicyText.allow;
import static io.ztunnel.testkit.PolicyText.deny;
import static io.ztunnel.testkit.PolicyText.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.Workload;
import io.ztunnel.policy.UnknownPolicies;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Map;

/// Open connections when policies change, and new ones under policies that are odd
/// (docs/spec/control-plane.md 5.1, 5.2 and 5.6; docs/spec/dataplane.md rows 128 and 129).
@Timeout(60)
class PolicyRecheckIT {
    private static final String A = "spiffe://cluster.local/ns/ns/sa/a";
    private static final String B = "spiffe://cluster.local/ns/ns/sa/b";
    private static final String CHANGED = "connection closed due to policy change: ";

    private InboundBench bench;

    private void open(UnknownPolicies unknown) throws Exception {
        bench = new InboundBench(true, unknown);
        bench.edit(delta -> delta.upsert(server()));
    }

    @AfterEach
    void close() throws Exception {
        bench.close();
    }

    private static Workload server(String... lists) {
        return mesh().workload("server").at(InboundBench.POD).lists(lists).build();
    }

    private InboundBench.Asked ask(String identity) throws Exception {
        return bench.ask("10.0.0.1", identity, Map.of());
    }

    private void put(AuthorizationPolicy policy) throws Exception {
        bench.edit(delta -> delta.upsert(policy.key(), policy));
    }

    @Test
    void row128_aGlobalDenyCutsWhatStandsAndNamesItself() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        InboundBench.Asked asked = ask(A);
        assertThat(asked.status()).isEqualTo(200);

        put(deny("root/no", Scope.GLOBAL, "{}"));
        assertThat(asked.reset).as("a match without fields never matches").isFalse();
        put(deny("root/no", Scope.GLOBAL, "[]"));

        assertThat(asked.reset).isTrue();
        assertThat(bench.openConnections()).isZero();
        assertThat(bench.told.lines(CHANGED + "explicitly denied by: root/no")).hasSize(1);
        assertThat(bench.told.metric("istio_tcp_connections_failed_total")).isEqualTo(1);
    }

    @Test
    void onlyThoseThatAreNoLongerAllowedAreCut() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        InboundBench.Asked a = ask(A);
        InboundBench.Asked b = ask(B);

        put(allow("ns/only-b", Scope.NAMESPACE, "{principal =cluster.local/ns/ns/sa/b}"));

        assertThat(a.reset).isTrue();
        assertThat(b.reset).isFalse();
        assertThat(bench.told.lines(CHANGED + "allow policies exist, but none allowed")).hasSize(1);
    }

    /// Upstream leaves such connections open.
    @Test
    void aPolicyThatIsAttachedCutsWhatWasOpenedBefore() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        put(deny("ns/strict", Scope.WORKLOAD_SELECTOR, "[]"));
        InboundBench.Asked asked = ask(A);
        assertThat(asked.status()).isEqualTo(200);

        bench.edit(delta -> delta.upsert(server("ns/strict")));

        assertThat(asked.reset).isTrue();
        assertThat(bench.told.lines(CHANGED + "explicitly denied by: ns/strict")).hasSize(1);
    }

    @Test
    void anAttachedPolicyThatChangesCuts() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        put(deny("ns/listed", Scope.WORKLOAD_SELECTOR, "{port 1}"));
        bench.edit(delta -> delta.upsert(server("ns/listed")));
        InboundBench.Asked asked = ask(A);
        assertThat(asked.status()).isEqualTo(200);

        put(deny("ns/listed", Scope.WORKLOAD_SELECTOR, "{port " + bench.port() + "}"));

        assertThat(asked.reset).isTrue();
    }

    @Test
    void whatIsNoneOfThePodsBusinessLeavesItsConnections() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        InboundBench.Asked asked = ask(A);

        put(deny("other/no", Scope.NAMESPACE, "[]"));
        put(deny("ns/unlisted", Scope.WORKLOAD_SELECTOR, "[]"));
        bench.edit(delta -> delta.removePolicy("other/no"));
        bench.edit(delta -> delta.removeAddress(server().uid()));

        assertThat(asked.reset).isFalse();
        assertThat(bench.openConnections()).isEqualTo(1);
    }

    @Test
    void row129_aSliceThatIsGoneIsNotJudgedAnyMore() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        ask(A);
        bench.drain();

        put(deny("root/no", Scope.GLOBAL, "[]"));

        assertThat(bench.told.lines("policy change")).isEmpty();
        assertThat(bench.told.lines("connection drain")).hasSize(1);
    }

    @Test
    void policiesInDryRunAreCountedOncePerConnection() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        put(policy("ns/d", Scope.NAMESPACE, Action.DENY, true, "[]"));
        put(policy("root/a", Scope.GLOBAL, Action.ALLOW, true, "{port 1}"));
        put(policy("root/b", Scope.GLOBAL, Action.ALLOW, true, "[]"));
        InboundBench.Asked asked = ask(A);
        assertThat(asked.status()).isEqualTo(200);

        put(policy("ns/d", Scope.NAMESPACE, Action.DENY, true, "{ns =ns}"));
        assertThat(asked.reset).isFalse();

        assertThat(bench.told.samples("ztunnel_policy_dry_run_total"))
                .containsExactlyInAnyOrder(
                        "ztunnel_policy_dry_run_total{policy=\"ns/d\",would=\"deny\"} 1",
                        "ztunnel_policy_dry_run_total{policy=\"root/b\",would=\"allow\"} 1");
        bench.edit(delta -> delta.removePolicy("root/b"));
        ask(A);
        assertThat(bench.told.samples("ztunnel_policy_dry_run_total"))
                .contains(
                        "ztunnel_policy_dry_run_total{policy=\"none allowed\",would=\"deny\"} 1",
                        "ztunnel_policy_dry_run_total{policy=\"ns/d\",would=\"deny\"} 2");
    }

    /// Row B24 of docs/spec/control-plane.md 5.10.
    @Test
    void B24_aPolicyThatNobodyKnowsIsPassedOverAndCounted() throws Exception {
        open(UnknownPolicies.PASS_OVER);
        bench.edit(delta -> delta.upsert(server("ns/missing")));

        assertThat(ask(A).status()).isEqualTo(200);
        assertThat(bench.told.metric("ztunnel_policy_unknown_total")).isEqualTo(1);
    }

    @Test
    void aPolicyThatNobodyKnowsDeniesWhereThatIsAskedForUntilItComes() throws Exception {
        open(UnknownPolicies.DENY);
        InboundBench.Asked before = ask(A);
        assertThat(before.status()).isEqualTo(200);

        bench.edit(delta -> delta.upsert(server("ns/missing")));

        assertThat(before.reset).isTrue();
        assertThat(bench.told.lines(CHANGED + "policy not known: ns/missing")).hasSize(1);
        assertThat(ask(A).status()).isEqualTo(401);
        assertThat(
                        bench.told.lines(
                                "connection closed due to policy rejection: policy not known:"
                                        + " ns/missing"))
                .hasSize(1);
        put(deny("ns/missing", Scope.WORKLOAD_SELECTOR, "{port 1}"));
        assertThat(ask(A).status()).isEqualTo(200);
    }

    /// Whoever denies by a policy that is known says so, missing ones or not.
    @Test
    void aKnownReasonGoesBeforeAMissingOne() throws Exception {
        open(UnknownPolicies.DENY);
        put(deny("root/no", Scope.GLOBAL, "[]"));
        bench.edit(delta -> delta.upsert(server("ns/missing")));

        assertThat(ask(A).status()).isEqualTo(401);
        assertThat(bench.told.lines("explicitly denied by: root/no")).hasSize(1);
    }
}
