package io.ztunnel.mesh;

import java.util.List;

/// An L4 authorization policy (docs/spec/control-plane.md 5.3).
///
/// "Empty" means the opposite on neighbouring levels: a policy without rules never matches, a rule
/// without clauses always does, a clause without matches holds, a match without a field never does.
///
/// @param rules joined by OR
/// @param dryRun whether it is only counted and logged
public record AuthorizationPolicy(
        String name,
        String namespace,
        Scope scope,
        Action action,
        boolean dryRun,
        List<Rule> rules) {

    /// Which workloads a policy covers: all, those of its namespace, or those that list its key.
    public enum Scope {
        GLOBAL,
        NAMESPACE,
        WORKLOAD_SELECTOR
    }

    /// What a match means.
    public enum Action {
        ALLOW,
        DENY
    }

    /// @param clauses joined by AND
    public record Rule(List<Clause> clauses) {}

    /// @param matches joined by OR
    public record Clause(List<Match> matches) {}

    /// Joined by AND over the fields; within a field the positive list is OR, the negative one
    /// "none of". An empty list is no constraint.
    public record Match(
            List<StringMatch> namespaces,
            List<StringMatch> notNamespaces,
            List<ServiceAccount> serviceAccounts,
            List<ServiceAccount> notServiceAccounts,
            List<StringMatch> principals,
            List<StringMatch> notPrincipals,
            List<Cidr> sourceIps,
            List<Cidr> notSourceIps,
            List<Cidr> destinationIps,
            List<Cidr> notDestinationIps,
            List<Integer> destinationPorts,
            List<Integer> notDestinationPorts) {}

    /// A service account of one namespace, whatever the trust domain.
    public record ServiceAccount(String namespace, String serviceAccount) {}

    /// `<namespace>/<name>`, the key under which workloads list the policy and logs name it.
    public String key() {
        return namespace + "/" + name;
    }
}
