package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.StringMatch;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A value without which a rule cannot match, so that the rule may be filed under it.
///
/// @param value a hash ([Integer]) or a range ([Cidr]), as the field has it
record RuleKey(Field field, Object value) {

    /// The fields that rules are filed by, the most telling first.
    enum Field {
        PRINCIPAL,
        ACCOUNT,
        NAMESPACE,
        SOURCE,
        PORT,
        DESTINATION
    }

    private static final Field[] FIELDS = Field.values();

    /// All sets of keys under which a rule could be filed: for one clause and one field the values
    /// of all its matches, provided that each match lists values and all are exact.
    static List<Set<RuleKey>> choices(Rule rule) {
        List<Set<RuleKey>> choices = new ArrayList<>();
        for (Clause clause : rule.clauses()) {
            for (Field field : FIELDS) {
                Set<RuleKey> keys = keys(clause, field);
                if (!keys.isEmpty()) {
                    choices.add(keys);
                }
            }
        }
        return choices;
    }

    /// Matches without a field can never match, so they need no key.
    private static Set<RuleKey> keys(Clause clause, Field field) {
        Set<RuleKey> keys = Set.of();
        for (Match match : clause.matches()) {
            List<?> values = values(match, field);
            if (values.isEmpty() && !CompiledRule.hasField(match)) {
                continue;
            }
            if (keys.isEmpty()) {
                keys = new HashSet<>();
            }
            if (!collect(values, field, keys)) {
                return Set.of();
            }
        }
        return keys;
    }

    private static List<?> values(Match match, Field field) {
        return switch (field) {
            case PRINCIPAL -> match.principals();
            case ACCOUNT -> match.serviceAccounts();
            case NAMESPACE -> match.namespaces();
            case SOURCE -> match.sourceIps();
            case PORT -> match.destinationPorts();
            case DESTINATION -> match.destinationIps();
        };
    }

    private static boolean collect(List<?> values, Field field, Set<RuleKey> keys) {
        for (Object value : values) {
            Object key = keyOf(value);
            if (key == null) {
                return false;
            }
            keys.add(new RuleKey(field, key));
        }
        return !values.isEmpty();
    }

    private static @Nullable Object keyOf(Object value) {
        return switch (value) {
            case StringMatch.Exact(var text) -> text.hashCode();
            case StringMatch _ -> null;
            case Cidr range -> range;
            default ->
                    value.hashCode(); // a port is its own hash, an account has that of both texts
        };
    }
}
