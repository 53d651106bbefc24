package io.ztunnel.policy;

/// What a workload's listing of a policy that the node does not hold means, after the mesh writer
/// has waited for it (docs/spec/control-plane.md 5.1).
public enum UnknownPolicies {
    /// Nothing, as in the reference: a workload with only such policies is open to everybody.
    PASS_OVER,
    /// Nobody is let in until the policy has come: it might be the one that denies.
    DENY
}
