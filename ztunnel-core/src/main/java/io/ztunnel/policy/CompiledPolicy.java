package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;

import java.util.ArrayList;
import java.util.List;

/// One policy, ready to be judged with.
final class CompiledPolicy {
    private final AuthorizationPolicy policy;
    private final List<CompiledRule> rules;
    private final PolicyVerdict allowed;
    private final PolicyVerdict denied;

    CompiledPolicy(AuthorizationPolicy policy) {
        this.policy = policy;
        this.rules = new ArrayList<>(policy.rules().size());
        for (Rule rule : policy.rules()) {
            CompiledRule compiled = CompiledRule.of(this, rule);
            if (compiled != null) {
                rules.add(compiled);
            }
        }
        String key = policy.key();
        allowed = new PolicyVerdict.Allowed(key, PolicyVerdict.DryRun.NONE, List.of());
        denied = new PolicyVerdict.DeniedBy(key, PolicyVerdict.DryRun.NONE, List.of());
    }

    AuthorizationPolicy policy() {
        return policy;
    }

    List<CompiledRule> rules() {
        return rules;
    }

    String key() {
        return policy.key();
    }

    /// The verdict where this ALLOW policy decides and nothing is in dry run.
    PolicyVerdict allowed() {
        return allowed;
    }

    /// The verdict where this DENY policy decides and nothing is in dry run.
    PolicyVerdict denied() {
        return denied;
    }
}
