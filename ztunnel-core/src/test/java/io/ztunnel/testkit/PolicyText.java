package io.ztunnel.testkit;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.StringMatch;

import java.util.ArrayList;
import java.util.List;

/// Policies in the notation of docs/spec/control-plane.md 5.9: `{ns =a; port 80}` is a match, `OR`
/// joins matches, `AND` clauses, `/` rules, each with a blank on both sides; `[]` is a clause
/// without matches, `{}` a match without fields.
public final class PolicyText {
    private PolicyText() {}

    public static AuthorizationPolicy deny(String key, Scope scope, String rules) {
        return policy(key, scope, Action.DENY, false, rules);
    }

    public static AuthorizationPolicy allow(String key, Scope scope, String rules) {
        return policy(key, scope, Action.ALLOW, false, rules);
    }

    public static AuthorizationPolicy policy(
            String key, Scope scope, Action action, boolean dryRun, String rules) {
        int slash = key.indexOf('/');
        return new AuthorizationPolicy(
                key.substring(slash + 1),
                key.substring(0, slash),
                scope,
                action,
                dryRun,
                rules(rules));
    }

    public static List<Rule> rules(String text) {
        if (text.equals("(no rules)")) {
            return List.of();
        }
        List<Rule> rules = new ArrayList<>();
        for (String rule : text.split(" / ")) {
            rules.add(rule(rule.strip()));
        }
        return rules;
    }

    private static Rule rule(String text) {
        if (text.equals("(rule without clauses)")) {
            return new Rule(List.of());
        }
        List<Clause> clauses = new ArrayList<>();
        for (String clause : text.split(" AND ")) {
            List<Match> matches = new ArrayList<>();
            String bare = clause.strip();
            if (bare.startsWith("(") && bare.endsWith(")")) {
                bare = bare.substring(1, bare.length() - 1);
            }
            if (!bare.equals("[]")) {
                for (String match : bare.split(" OR ")) {
                    matches.add(match(match.strip()));
                }
            }
            clauses.add(new Clause(matches));
        }
        return new Rule(clauses);
    }

    private static Match match(String text) {
        Match match = none();
        for (String field : text.substring(1, text.length() - 1).split(";")) {
            if (field.isBlank()) {
                continue;
            }
            String[] words = field.strip().split(" ", 2);
            for (String value : words[1].split(" or ")) {
                add(match, words[0], value);
            }
        }
        return match;
    }

    private static Match none() {
        return new Match(
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>());
    }

    private static void add(Match match, String field, String value) {
        switch (field) {
            case "ns" -> match.namespaces().add(matcher(value));
            case "not-ns" -> match.notNamespaces().add(matcher(value));
            case "sa" -> match.serviceAccounts().add(account(value));
            case "not-sa" -> match.notServiceAccounts().add(account(value));
            case "principal" -> match.principals().add(matcher(value));
            case "not-principal" -> match.notPrincipals().add(matcher(value));
            case "src" -> match.sourceIps().add(Cidr.parse(value));
            case "not-src" -> match.notSourceIps().add(Cidr.parse(value));
            case "dst" -> match.destinationIps().add(Cidr.parse(value));
            case "not-dst" -> match.notDestinationIps().add(Cidr.parse(value));
            case "port" -> match.destinationPorts().add(Integer.parseInt(value));
            case "not-port" -> match.notDestinationPorts().add(Integer.parseInt(value));
            default -> throw new IllegalArgumentException("no such field: " + field);
        }
    }

    private static ServiceAccount account(String value) {
        int slash = value.indexOf('/');
        return new ServiceAccount(value.substring(0, slash), value.substring(slash + 1));
    }

    private static StringMatch matcher(String value) {
        String bare = value.replace("\"", "");
        if (bare.equals("present")) {
            return new StringMatch.Presence();
        }
        if (bare.startsWith("=")) {
            return new StringMatch.Exact(bare.substring(1));
        }
        int colon = bare.indexOf(':');
        String text = bare.substring(colon + 1);
        return switch (bare.substring(0, colon)) {
            case "prefix" -> new StringMatch.Prefix(text);
            case "suffix" -> new StringMatch.Suffix(text);
            default -> throw new IllegalArgumentException("no such matcher: " + value);
        };
    }
}
