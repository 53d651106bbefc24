package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;
import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.StringMatch;

import java.io.IOException;
import java.util.List;

/// A policy as `/config_dump` shows it (docs/spec/config-observability-dns.md 2.3.3), keys in
/// alphabetical order.
public final class PolicyJson {
    private PolicyJson() {}

    public static void write(JsonGenerator json, AuthorizationPolicy policy) throws IOException {
        json.writeStartObject();
        json.writeStringField(
                "action",
                switch (policy.action()) {
                    case ALLOW -> "Allow";
                    case DENY -> "Deny";
                });
        json.writeBooleanField("dryRun", policy.dryRun());
        json.writeStringField("name", policy.name());
        json.writeStringField("namespace", policy.namespace());
        json.writeArrayFieldStart("rules");
        for (Rule rule : policy.rules()) {
            json.writeStartArray();
            for (Clause clause : rule.clauses()) {
                json.writeStartArray();
                for (Match match : clause.matches()) {
                    match(json, match);
                }
                json.writeEndArray();
            }
            json.writeEndArray();
        }
        json.writeEndArray();
        json.writeStringField(
                "scope",
                switch (policy.scope()) {
                    case GLOBAL -> "Global";
                    case NAMESPACE -> "Namespace";
                    case WORKLOAD_SELECTOR -> "WorkloadSelector";
                });
        json.writeEndObject();
    }

    private static void match(JsonGenerator json, Match match) throws IOException {
        json.writeStartObject();
        ranges(json, "destinationIps", match.destinationIps());
        ports(json, "destinationPorts", match.destinationPorts());
        texts(json, "namespaces", match.namespaces());
        ranges(json, "notDestinationIps", match.notDestinationIps());
        ports(json, "notDestinationPorts", match.notDestinationPorts());
        texts(json, "notNamespaces", match.notNamespaces());
        texts(json, "notPrincipals", match.notPrincipals());
        accounts(json, "notServiceAccounts", match.notServiceAccounts());
        ranges(json, "notSourceIps", match.notSourceIps());
        texts(json, "principals", match.principals());
        accounts(json, "serviceAccounts", match.serviceAccounts());
        ranges(json, "sourceIps", match.sourceIps());
        json.writeEndObject();
    }

    private static void texts(JsonGenerator json, String name, List<StringMatch> matches)
            throws IOException {
        if (matches.isEmpty()) {
            return;
        }
        json.writeArrayFieldStart(name);
        for (StringMatch match : matches) {
            json.writeStartObject();
            switch (match) {
                case StringMatch.Exact exact -> json.writeStringField("Exact", exact.text());
                case StringMatch.Prefix prefix -> json.writeStringField("Prefix", prefix.text());
                case StringMatch.Suffix suffix -> json.writeStringField("Suffix", suffix.text());
                case StringMatch.Presence any -> {
                    json.writeArrayFieldStart("Presence");
                    json.writeEndArray();
                }
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void accounts(JsonGenerator json, String name, List<ServiceAccount> accounts)
            throws IOException {
        if (accounts.isEmpty()) {
            return;
        }
        json.writeArrayFieldStart(name);
        for (ServiceAccount account : accounts) {
            json.writeStartObject();
            json.writeStringField("namespace", account.namespace());
            json.writeStringField("serviceAccount", account.serviceAccount());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void ranges(JsonGenerator json, String name, List<Cidr> ranges)
            throws IOException {
        Json.texts(json, name, ranges.stream().map(Cidr::toString).toList());
    }

    private static void ports(JsonGenerator json, String name, List<Integer> ports)
            throws IOException {
        if (ports.isEmpty()) {
            return;
        }
        json.writeArrayFieldStart(name);
        for (int port : ports) {
            json.writeNumber(port);
        }
        json.writeEndArray();
    }
}
