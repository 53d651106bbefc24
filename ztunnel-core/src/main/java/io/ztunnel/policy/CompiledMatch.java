package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.StringMatch;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// One match with its lists as arrays and null for "no constraint" (docs/spec/control-plane.md 5.3
/// and 5.4).
final class CompiledMatch {
    private final StringMatch @Nullable [] namespaces;
    private final StringMatch @Nullable [] notNamespaces;
    private final ServiceAccount @Nullable [] accounts;
    private final ServiceAccount @Nullable [] notAccounts;
    private final StringMatch @Nullable [] principals;
    private final StringMatch @Nullable [] notPrincipals;
    private final Cidr @Nullable [] sources;
    private final Cidr @Nullable [] notSources;
    private final Cidr @Nullable [] destinations;
    private final Cidr @Nullable [] notDestinations;
    private final int @Nullable [] ports;
    private final int @Nullable [] notPorts;

    CompiledMatch(Match match) {
        namespaces = texts(match.namespaces());
        notNamespaces = texts(match.notNamespaces());
        accounts = accounts(match.serviceAccounts());
        notAccounts = accounts(match.notServiceAccounts());
        principals = texts(match.principals());
        notPrincipals = texts(match.notPrincipals());
        sources = ranges(match.sourceIps());
        notSources = ranges(match.notSourceIps());
        destinations = ranges(match.destinationIps());
        notDestinations = ranges(match.notDestinationIps());
        ports = ports(match.destinationPorts());
        notPorts = ports(match.notDestinationPorts());
    }

    /// Cheap fields first.
    boolean matches(ConnectionFacts facts) {
        int port = facts.destinationPort();
        return (ports == null || has(ports, port))
                && (notPorts == null || !has(notPorts, port))
                && (sources == null || covers(sources, facts.source()))
                && (notSources == null || !covers(notSources, facts.source()))
                && (destinations == null || covers(destinations, facts.destination()))
                && (notDestinations == null || !covers(notDestinations, facts.destination()))
                && (accounts == null || has(accounts, facts.identity()))
                && (notAccounts == null || !has(notAccounts, facts.identity()))
                && (namespaces == null || anyNamespace(namespaces, facts))
                && (notNamespaces == null || !anyNamespace(notNamespaces, facts))
                && (principals == null || anyPrincipal(principals, facts.identity()))
                && (notPrincipals == null || !anyPrincipal(notPrincipals, facts.identity()));
    }

    private static boolean has(int[] ports, int port) {
        for (int candidate : ports) {
            if (candidate == port) {
                return true;
            }
        }
        return false;
    }

    private static boolean covers(Cidr[] ranges, IpAddress ip) {
        for (Cidr range : ranges) {
            if (range.contains(ip)) {
                return true;
            }
        }
        return false;
    }

    private static boolean has(ServiceAccount[] accounts, @Nullable SpiffeId identity) {
        if (identity == null) {
            return false;
        }
        for (ServiceAccount account : accounts) {
            if (account.serviceAccount().equals(identity.serviceAccount())
                    && account.namespace().equals(identity.namespace())) {
                return true;
            }
        }
        return false;
    }

    private static boolean anyNamespace(StringMatch[] matchers, ConnectionFacts facts) {
        for (StringMatch matcher : matchers) {
            if (matcher.matches(facts.namespace())) {
                return true;
            }
        }
        return false;
    }

    private static boolean anyPrincipal(StringMatch[] matchers, @Nullable SpiffeId identity) {
        if (identity == null) {
            return false;
        }
        for (StringMatch matcher : matchers) {
            if (PrincipalText.matches(matcher, identity)) {
                return true;
            }
        }
        return false;
    }

    private static StringMatch @Nullable [] texts(List<StringMatch> list) {
        return list.isEmpty() ? null : list.toArray(StringMatch[]::new);
    }

    private static ServiceAccount @Nullable [] accounts(List<ServiceAccount> list) {
        return list.isEmpty() ? null : list.toArray(ServiceAccount[]::new);
    }

    private static Cidr @Nullable [] ranges(List<Cidr> list) {
        return list.isEmpty() ? null : list.toArray(Cidr[]::new);
    }

    private static int @Nullable [] ports(List<Integer> list) {
        return list.isEmpty() ? null : list.stream().mapToInt(Integer::intValue).toArray();
    }
}
