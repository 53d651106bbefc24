package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy.Action;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/// Policies that apply together, compiled into one index for each action; those in dry run apart.
///
/// @param allows whether there is an ALLOW policy at all, be it one that can never match
record PolicySet(
        RuleIndex deny,
        RuleIndex allow,
        boolean allows,
        List<CompiledPolicy> dryRunDeny,
        List<CompiledPolicy> dryRunAllow) {

    static final PolicySet NONE =
            new PolicySet(RuleIndex.NONE, RuleIndex.NONE, false, List.of(), List.of());

    static PolicySet of(Collection<CompiledPolicy> policies) {
        if (policies.isEmpty()) {
            return NONE;
        }
        List<CompiledPolicy> sorted = new ArrayList<>(policies);
        sorted.sort(Comparator.comparing(CompiledPolicy::key));
        List<CompiledPolicy> allow = select(sorted, Action.ALLOW, false);
        return new PolicySet(
                RuleIndex.of(select(sorted, Action.DENY, false)),
                RuleIndex.of(allow),
                !allow.isEmpty(),
                select(sorted, Action.DENY, true),
                select(sorted, Action.ALLOW, true));
    }

    private static List<CompiledPolicy> select(
            List<CompiledPolicy> policies, Action action, boolean dryRun) {
        return policies.stream()
                .filter(one -> one.policy().action() == action && one.policy().dryRun() == dryRun)
                .toList();
    }

    boolean hasDryRun() {
        return !dryRunDeny.isEmpty() || !dryRunAllow.isEmpty();
    }
}
