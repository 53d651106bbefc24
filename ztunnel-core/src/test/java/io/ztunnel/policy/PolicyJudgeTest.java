package io.ztunnel.policy;

import static io.ztunnel.testkit.PolicyText.allow;
import static io.ztunnel.testkit.PolicyText.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.Test;

class PolicyJudgeTest {
    private static final ConnectionFacts PLAIN =
            new ConnectionFacts(null, IpAddress.parse("10.0.0.1"), IpAddress.parse("10.0.0.2"), 80);

    private final PolicyJudge judge = new PolicyJudge();

    private PolicyVerdict judge(MeshKit kit) {
        MeshSnapshot mesh = kit.snapshot();
        Workload destination = mesh.workloads().getFirst();
        return judge.judge(CompiledPolicies.compile(mesh), destination, PLAIN);
    }

    @Test
    void policiesInDryRunAreNamed() {
        MeshKit kit =
                MeshKit.mesh()
                        .workload("w")
                        .policy(policy("ns/d", Scope.NAMESPACE, Action.DENY, true, "{port 80}"))
                        .policy(policy("ns/a", Scope.GLOBAL, Action.ALLOW, true, "{port 81}"));

        PolicyVerdict first = judge(kit);

        assertThat(first.allows()).isTrue();
        assertThat(first.dryRun().denied()).containsExactly("ns/d");
        assertThat(first.dryRun().allowed()).isEmpty();
        assertThat(first.dryRun().noneAllowed()).isTrue();
    }

    @Test
    void theDecidingPolicyIsNamed() {
        PolicyVerdict verdict =
                judge(
                        MeshKit.mesh()
                                .workload("w")
                                .policy(allow("ns/yes", Scope.NAMESPACE, "{port 80}")));

        assertThat(((PolicyVerdict.Allowed) verdict).by()).isEqualTo("ns/yes");
        assertThat(verdict.text()).isEqualTo("allow policy match");
    }

    @Test
    void manyListedPoliciesAreJudgedLikeFew() {
        MeshKit kit =
                MeshKit.mesh()
                        .workload("w")
                        .lists("ns/1", "ns/2", "ns/3", "ns/4", "ns/5", "ns/gone")
                        .and();
        for (int i = 1; i <= 5; i++) {
            kit.policy(
                    policy(
                            "ns/" + i,
                            Scope.WORKLOAD_SELECTOR,
                            i == 5 ? Action.DENY : Action.ALLOW,
                            false,
                            "{port 8" + (i == 5 ? 0 : i) + "}"));
        }

        PolicyVerdict verdict = judge(kit);

        assertThat(verdict.text()).isEqualTo("explicitly denied by: ns/5");
        assertThat(verdict.unknownPolicies()).containsExactly("ns/gone");
    }

    @Test
    void aNamespaceNamedLikeTheGlobalScopeHasOnlyItsOwnPolicies() {
        MeshSnapshot mesh =
                MeshKit.mesh()
                        .workload("w")
                        .in("")
                        .policy(allow("*/no", Scope.NAMESPACE, "(no rules)"))
                        .snapshot();

        assertThat(
                        judge.judge(
                                        CompiledPolicies.compile(mesh),
                                        mesh.workloads().getFirst(),
                                        PLAIN)
                                .allows())
                .isTrue();
    }

    @Test
    void hashOfAPrincipalIsThatOfItsText() {
        for (String text :
                new String[] {
                    "spiffe://cluster.local/ns/default/sa/a",
                    "spiffe:///ns//sa/",
                    "spiffe://é/ns/x/sa/y"
                }) {
            SpiffeId identity = SpiffeId.parse(text);
            assertThat(PrincipalText.hash(identity)).isEqualTo(identity.principal().hashCode());
            assertThat(PrincipalText.length(identity)).isEqualTo(identity.principal().length());
        }
    }
}
