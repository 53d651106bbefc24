package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/// One rule, reduced to what can match: matches without a field are gone, clauses that always hold
/// too.
final class CompiledRule {
    private final CompiledPolicy policy;
    private final Rule source;

    /// Joined by AND, the matches of each by OR; none means "always".
    private final CompiledMatch[][] clauses;

    private CompiledRule(CompiledPolicy policy, Rule source, CompiledMatch[][] clauses) {
        this.policy = policy;
        this.source = source;
        this.clauses = clauses;
    }

    CompiledPolicy policy() {
        return policy;
    }

    Rule source() {
        return source;
    }

    /// @return null where the rule can never match
    static @Nullable CompiledRule of(CompiledPolicy policy, Rule rule) {
        List<CompiledMatch[]> clauses = new ArrayList<>();
        for (Clause clause : rule.clauses()) {
            if (clause.matches().isEmpty()) {
                continue;
            }
            CompiledMatch[] matches =
                    clause.matches().stream()
                            .filter(CompiledRule::hasField)
                            .map(CompiledMatch::new)
                            .toArray(CompiledMatch[]::new);
            if (matches.length == 0) {
                return null;
            }
            clauses.add(matches);
        }
        return new CompiledRule(policy, rule, clauses.toArray(CompiledMatch[][]::new));
    }

    static boolean hasField(Match match) {
        return !(match.namespaces().isEmpty()
                && match.notNamespaces().isEmpty()
                && match.serviceAccounts().isEmpty()
                && match.notServiceAccounts().isEmpty()
                && match.principals().isEmpty()
                && match.notPrincipals().isEmpty()
                && match.sourceIps().isEmpty()
                && match.notSourceIps().isEmpty()
                && match.destinationIps().isEmpty()
                && match.notDestinationIps().isEmpty()
                && match.destinationPorts().isEmpty()
                && match.notDestinationPorts().isEmpty());
    }

    boolean matches(ConnectionFacts facts) {
        for (CompiledMatch[] clause : clauses) {
            if (!any(clause, facts)) {
                return false;
            }
        }
        return true;
    }

    private static boolean any(CompiledMatch[] clause, ConnectionFacts facts) {
        for (CompiledMatch match : clause) {
            if (match.matches(facts)) {
                return true;
            }
        }
        return false;
    }
}
