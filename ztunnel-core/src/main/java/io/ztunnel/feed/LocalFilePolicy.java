package io.ztunnel.feed;

import io.ztunnel.feed.LocalFileNode.Fields;
import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.StringMatch;

import java.util.List;
import java.util.Map;

/// Reads one entry of `policies` (docs/spec/control-plane.md 3). A text matcher is a tagged scalar
/// (`!Prefix foo`) or a map of one key (`Prefix: foo`).
final class LocalFilePolicy {
    private static final Map<String, Scope> SCOPES =
            Map.of(
                    "Global", Scope.GLOBAL,
                    "Namespace", Scope.NAMESPACE,
                    "WorkloadSelector", Scope.WORKLOAD_SELECTOR);
    private static final Map<String, Action> ACTIONS =
            Map.of("Allow", Action.ALLOW, "Deny", Action.DENY);

    private LocalFilePolicy() {}

    static AuthorizationPolicy read(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        AuthorizationPolicy policy =
                new AuthorizationPolicy(
                        fields.required("name").text(),
                        fields.required("namespace").text(),
                        fields.required("scope").oneOf(SCOPES),
                        fields.required("action").oneOf(ACTIONS),
                        fields.required("dryRun").truth(),
                        fields.required("rules")
                                .list(rule -> new Rule(rule.list(LocalFilePolicy::clause))));
        fields.end();
        return policy;
    }

    private static Clause clause(LocalFileNode node) throws LocalFileProblem {
        return new Clause(node.list(LocalFilePolicy::match));
    }

    /// Unknown keys are passed over here, and only here, as upstream does.
    private static Match match(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        return new Match(
                texts(fields, "namespaces"),
                texts(fields, "notNamespaces"),
                fields.list("serviceAccounts", LocalFilePolicy::account),
                fields.list("notServiceAccounts", LocalFilePolicy::account),
                texts(fields, "principals"),
                texts(fields, "notPrincipals"),
                ranges(fields, "sourceIps"),
                ranges(fields, "notSourceIps"),
                ranges(fields, "destinationIps"),
                ranges(fields, "notDestinationIps"),
                fields.list("destinationPorts", LocalFileNode::port),
                fields.list("notDestinationPorts", LocalFileNode::port));
    }

    private static List<Cidr> ranges(Fields fields, String key) throws LocalFileProblem {
        return fields.list(key, range -> range.parsed(Cidr::parse));
    }

    private static ServiceAccount account(LocalFileNode node) throws LocalFileProblem {
        Fields fields = node.fields();
        ServiceAccount account =
                new ServiceAccount(
                        fields.required("namespace").text(),
                        fields.required("serviceAccount").text());
        fields.end();
        return account;
    }

    private static List<StringMatch> texts(Fields fields, String key) throws LocalFileProblem {
        return fields.list(key, LocalFilePolicy::matcher);
    }

    private static StringMatch matcher(LocalFileNode node) throws LocalFileProblem {
        if (!node.tag().isEmpty()) {
            return matcher(node, node.tag(), node);
        }
        if (!node.isScalar() && !node.isNull()) {
            Map<String, LocalFileNode> entries = node.entries();
            if (entries.size() == 1) {
                Map.Entry<String, LocalFileNode> only = entries.entrySet().iterator().next();
                return matcher(node, only.getKey(), only.getValue());
            }
        }
        throw node.problem("expected !Exact, !Prefix, !Suffix or !Presence");
    }

    private static StringMatch matcher(LocalFileNode place, String kind, LocalFileNode value)
            throws LocalFileProblem {
        return switch (kind) {
            case "Exact" -> new StringMatch.Exact(value.text());
            case "Prefix" -> new StringMatch.Prefix(value.text());
            case "Suffix" -> new StringMatch.Suffix(value.text());
            case "Presence" -> new StringMatch.Presence();
            default ->
                    throw place.problem(
                            "expected !Exact, !Prefix, !Suffix or !Presence, not !" + kind);
        };
    }
}
