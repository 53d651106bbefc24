package io.ztunnel.policy;

import static io.ztunnel.testkit.PolicyText.allow;
import static io.ztunnel.testkit.PolicyText.deny;
import static io.ztunnel.testkit.PolicyText.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
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
    void onlyWhatBearsOnAWorkloadCountsAsAChangeForIt() {
        MeshDelta first = new MeshDelta(MeshSnapshot.empty(), "");
        MeshKit.mesh()
                .workload("w")
                .lists("ns/listed", "ns/missing")
                .policy(deny("ns/listed", Scope.WORKLOAD_SELECTOR, "{port 1}"))
                .policy(deny("ns/unlisted", Scope.WORKLOAD_SELECTOR, "{port 1}"))
                .policy(deny("ns/whole", Scope.NAMESPACE, "{port 1}"))
                .policy(deny("other/whole", Scope.NAMESPACE, "{port 1}"))
                .policy(deny("root/all", Scope.GLOBAL, "{port 1}"))
                .fill(first);
        MeshSnapshot mesh = first.apply();
        CompiledPolicies then = CompiledPolicies.compile(mesh);
        Workload workload = mesh.workloads().getFirst();

        assertThat(then.sameFor(workload, then, workload)).isTrue();
        for (String key :
                new String[] {
                    "ns/listed", "ns/missing", "ns/unlisted", "ns/whole", "other/whole", "root/all"
                }) {
            Scope scope =
                    key.endsWith("whole")
                            ? Scope.NAMESPACE
                            : key.endsWith("all") ? Scope.GLOBAL : Scope.WORKLOAD_SELECTOR;
            MeshDelta delta = new MeshDelta(mesh, "");
            delta.upsert(key, deny(key, scope, "{port 2}"));
            CompiledPolicies now = then.next(delta.apply(), delta.changes());
            boolean irrelevant = key.equals("ns/unlisted") || key.equals("other/whole");
            assertThat(now.sameFor(workload, then, workload)).as(key).isEqualTo(irrelevant);
            if (!key.equals("ns/missing")) {
                MeshDelta removal = new MeshDelta(mesh, "");
                removal.removePolicy(key);
                CompiledPolicies rest = then.next(removal.apply(), removal.changes());
                assertThat(rest.sameFor(workload, then, workload)).as(key).isEqualTo(irrelevant);
            }
        }
        assertThat(then.sameFor(MeshKit.mesh().workload("w").build(), then, workload)).isFalse();
        assertThat(
                        then.sameFor(
                                MeshKit.mesh()
                                        .workload("w")
                                        .in("other")
                                        .lists("ns/listed", "ns/missing")
                                        .build(),
                                then,
                                workload))
                .isFalse();
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
