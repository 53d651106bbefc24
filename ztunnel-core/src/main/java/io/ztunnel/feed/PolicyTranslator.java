package io.ztunnel.feed;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.StringMatch;
import io.ztunnel.xds.proto.security.Address;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.security.ServiceAccountMatch;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;

/// What an `Authorization` message means (docs/spec/control-plane.md 2.7 and 5.3). Pure.
///
/// An entry of a match that has no meaning is dropped, the policy stays, as in the reference. With
/// one difference, because dropping must never let more through: a match of an ALLOW policy that
/// loses all entries of a positive list, or any entry of a negative one, matches nobody.
final class PolicyTranslator {
    private static final Logger log = LoggerFactory.getLogger(PolicyTranslator.class);
    private static final Match NOBODY =
            new Match(
                    List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
                    List.of(), List.of(), List.of(), List.of(), List.of());

    private final Authorization message;
    private final Action action;
    private boolean widened;

    private PolicyTranslator(Authorization message) throws Untranslatable {
        this.message = message;
        this.action =
                switch (message.getAction()) {
                    case ALLOW -> Action.ALLOW;
                    case DENY -> Action.DENY;
                    case UNRECOGNIZED ->
                            throw new Untranslatable(
                                    "action: " + message.getActionValue() + " is not supported");
                };
    }

    static AuthorizationPolicy translate(Authorization message) throws Untranslatable {
        return new PolicyTranslator(message).policy();
    }

    private AuthorizationPolicy policy() throws Untranslatable {
        Scope scope =
                switch (message.getScope()) {
                    case GLOBAL -> Scope.GLOBAL;
                    case NAMESPACE -> Scope.NAMESPACE;
                    case WORKLOAD_SELECTOR -> Scope.WORKLOAD_SELECTOR;
                    case UNRECOGNIZED ->
                            throw new Untranslatable(
                                    "scope: " + message.getScopeValue() + " is not supported");
                };
        return new AuthorizationPolicy(
                message.getName(),
                message.getNamespace(),
                scope,
                action,
                message.getDryRun(),
                message.getRulesList().stream().map(this::rule).toList());
    }

    private Rule rule(io.ztunnel.xds.proto.security.Rule rule) {
        return new Rule(rule.getClausesList().stream().map(this::clause).toList());
    }

    private Clause clause(io.ztunnel.xds.proto.security.Clause clause) {
        return new Clause(clause.getMatchesList().stream().map(this::match).toList());
    }

    private Match match(io.ztunnel.xds.proto.security.Match match) {
        widened = false;
        Match translated =
                new Match(
                        texts(match.getNamespacesList(), true),
                        texts(match.getNotNamespacesList(), false),
                        accounts(match.getServiceAccountsList()),
                        accounts(match.getNotServiceAccountsList()),
                        texts(match.getPrincipalsList(), true),
                        texts(match.getNotPrincipalsList(), false),
                        ranges(match.getSourceIpsList(), true),
                        ranges(match.getNotSourceIpsList(), false),
                        ranges(match.getDestinationIpsList(), true),
                        ranges(match.getNotDestinationIpsList(), false),
                        ports(match.getDestinationPortsList()),
                        ports(match.getNotDestinationPortsList()));
        return widened && action == Action.ALLOW ? NOBODY : translated;
    }

    private List<StringMatch> texts(
            List<io.ztunnel.xds.proto.security.StringMatch> sent, boolean positive) {
        List<StringMatch> kept = new ArrayList<>(sent.size());
        for (io.ztunnel.xds.proto.security.StringMatch text : sent) {
            switch (text.getMatchTypeCase()) {
                case EXACT -> kept.add(new StringMatch.Exact(text.getExact()));
                case PREFIX -> kept.add(new StringMatch.Prefix(text.getPrefix()));
                case SUFFIX -> kept.add(new StringMatch.Suffix(text.getSuffix()));
                case PRESENCE -> kept.add(new StringMatch.Presence());
                case MATCHTYPE_NOT_SET -> dropped("a text without a kind of match");
            }
        }
        note(sent.size(), kept.size(), positive);
        return List.copyOf(kept);
    }

    private List<Cidr> ranges(List<Address> sent, boolean positive) {
        List<Cidr> kept = new ArrayList<>(sent.size());
        for (Address range : sent) {
            try {
                kept.add(Addresses.cidr(range.getAddress(), range.getLength(), "range"));
            } catch (Untranslatable meaningless) {
                dropped(meaningless.reason());
            }
        }
        note(sent.size(), kept.size(), positive);
        return List.copyOf(kept);
    }

    private static List<ServiceAccount> accounts(List<ServiceAccountMatch> sent) {
        return sent.stream()
                .map(each -> new ServiceAccount(each.getNamespace(), each.getServiceAccount()))
                .toList();
    }

    private static List<Integer> ports(List<Integer> sent) {
        return sent.stream().map(Addresses::port).toList();
    }

    private void dropped(String what) {
        log.warn(
                "policy {}/{} holds an entry without a meaning, left out: {}",
                message.getNamespace(),
                message.getName(),
                what);
    }

    private void note(int sent, int kept, boolean positive) {
        widened |= kept < sent && (!positive || kept == 0);
    }
}
