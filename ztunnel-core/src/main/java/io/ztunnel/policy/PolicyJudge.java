package io.ztunnel.policy;

import io.ztunnel.mesh.Workload;
import io.ztunnel.policy.PolicyVerdict.Allowed;
import io.ztunnel.policy.PolicyVerdict.DeniedBy;
import io.ztunnel.policy.PolicyVerdict.DryRun;
import io.ztunnel.policy.PolicyVerdict.NotAllowed;
import io.ztunnel.policy.PolicyVerdict.Undecided;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/// Judges connections by the policies of their destination (docs/spec/control-plane.md 5.1, 5.2):
/// DENY first, then the pool of all ALLOW policies. It neither logs nor counts; the verdict says
/// all.
///
/// Any thread. Without policies in dry run and without unknown ones a verdict allocates nothing.
public final class PolicyJudge {
    private static final PolicyVerdict NO_POLICIES = new Allowed(null, DryRun.NONE, List.of());
    private static final PolicyVerdict NONE_ALLOWED = new NotAllowed(DryRun.NONE, List.of());

    private final UnknownPolicies unknownPolicies;

    /// As the reference judges: policies that nobody knows are passed over.
    public PolicyJudge() {
        this(UnknownPolicies.PASS_OVER);
    }

    public PolicyJudge(UnknownPolicies unknownPolicies) {
        this.unknownPolicies = unknownPolicies;
    }

    /// @param destination the workload as the snapshot has it now, so that its list of selector
    ///     policies is the present one
    public PolicyVerdict judge(
            CompiledPolicies policies, Workload destination, ConnectionFacts facts) {
        PolicySet global = policies.global();
        PolicySet namespace = policies.ofNamespace(destination.namespace());
        CompiledPolicies.Attached attached = policies.attachedTo(destination);
        List<String> listed = attached == null ? destination.authorizationPolicies() : List.of();
        CompiledRule denying = global.deny().find(facts);
        if (denying == null) {
            denying = namespace.deny().find(facts);
        }
        if (denying == null && attached != null) {
            denying = attached.set().deny().find(facts);
        }
        boolean dryRun = global.hasDryRun() || namespace.hasDryRun();
        dryRun |= attached != null && attached.set().hasDryRun();
        boolean allows = global.allows() || namespace.allows();
        allows |= attached != null && attached.set().allows();
        boolean unknown = attached != null && !attached.unknown().isEmpty();
        for (int i = 0; i < listed.size(); i++) {
            PolicySet own = policies.listed(listed.get(i));
            if (own == null) {
                unknown = true;
                continue;
            }
            dryRun |= own.hasDryRun();
            allows |= own.allows();
            denying = denying != null ? denying : own.deny().find(facts);
        }
        PolicyVerdict verdict;
        if (denying != null) {
            verdict = denying.policy().denied();
        } else if (!allows) {
            verdict = NO_POLICIES;
        } else {
            CompiledRule allowing = allowing(policies, global, namespace, attached, listed, facts);
            verdict = allowing == null ? NONE_ALLOWED : allowing.policy().allowed();
        }
        return dryRun || unknown
                ? explained(verdict, policies, destination, facts, allows)
                : verdict;
    }

    private static @Nullable CompiledRule allowing(
            CompiledPolicies policies,
            PolicySet global,
            PolicySet namespace,
            CompiledPolicies.@Nullable Attached attached,
            List<String> listed,
            ConnectionFacts facts) {
        CompiledRule allowing = namespace.allow().find(facts);
        if (allowing == null) {
            allowing = global.allow().find(facts);
        }
        if (allowing == null && attached != null) {
            allowing = attached.set().allow().find(facts);
        }
        for (int i = 0; allowing == null && i < listed.size(); i++) {
            PolicySet own = policies.listed(listed.get(i));
            allowing = own == null ? null : own.allow().find(facts);
        }
        return allowing;
    }

    /// The verdict with what only odd policies need: dry runs, and keys that nobody knows.
    private PolicyVerdict explained(
            PolicyVerdict verdict,
            CompiledPolicies policies,
            Workload destination,
            ConnectionFacts facts,
            boolean allows) {
        List<PolicySet> sets = new ArrayList<>();
        sets.add(policies.global());
        sets.add(policies.ofNamespace(destination.namespace()));
        List<String> unknown = new ArrayList<>();
        for (String key : destination.authorizationPolicies()) {
            PolicySet own = policies.listed(key);
            if (own == null) {
                unknown.add(key);
            } else {
                sets.add(own);
            }
        }
        List<String> denied = new ArrayList<>();
        List<String> allowed = new ArrayList<>();
        boolean dryRunAllows = false;
        for (PolicySet set : sets) {
            hits(set.dryRunDeny(), facts, denied);
            hits(set.dryRunAllow(), facts, allowed);
            dryRunAllows |= !set.dryRunAllow().isEmpty();
        }
        DryRun dryRun =
                new DryRun(
                        List.copyOf(denied),
                        List.copyOf(allowed),
                        !allows && dryRunAllows && allowed.isEmpty());
        List<String> missing = List.copyOf(unknown);
        return switch (verdict) {
            case Allowed(var by, _, _) ->
                    missing.isEmpty() || unknownPolicies == UnknownPolicies.PASS_OVER
                            ? new Allowed(by, dryRun, missing)
                            : new Undecided(dryRun, missing);
            case DeniedBy(var policy, _, _) -> new DeniedBy(policy, dryRun, missing);
            case NotAllowed _ -> new NotAllowed(dryRun, missing);
            case Undecided _ -> new Undecided(dryRun, missing);
        };
    }

    private static void hits(
            List<CompiledPolicy> policies, ConnectionFacts facts, List<String> keys) {
        for (CompiledPolicy policy : policies) {
            for (CompiledRule rule : policy.rules()) {
                if (rule.matches(facts)) {
                    if (!keys.contains(policy.key())) {
                        keys.add(policy.key());
                    }
                    break;
                }
            }
        }
    }
}
