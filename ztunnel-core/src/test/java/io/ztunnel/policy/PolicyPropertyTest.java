package io.ztunnel.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Clause;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.AuthorizationPolicy.Rule;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.StringMatch;
import io.ztunnel.mesh.Workload;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.function.Supplier;

/// Random policies and connections, judged by the compiled index and by the plainest reading of
/// docs/spec/control-plane.md 5.1 to 5.4; compiled afresh and from change to change.
class PolicyPropertyTest {
    private final Random random = new Random(17);

    @Test
    void verdictsAreThoseOfTheNaiveReading() {
        int denied = 0;
        int notAllowed = 0;
        int allowed = 0;
        for (int round = 0; round < 150; round++) {
            MeshSnapshot mesh = MeshSnapshot.empty();
            CompiledPolicies policies = CompiledPolicies.none();
            PolicyJudge judge = new PolicyJudge();
            for (int step = 0; step < 4; step++) {
                MeshDelta delta = new MeshDelta(mesh, "");
                delta.upsert(
                        Workload.builder()
                                .uid("w")
                                .namespace(pick("a", "b"))
                                .authorizationPolicies(list(random.nextInt(7), this::key))
                                .build());
                for (int i = 0; i < 4; i++) {
                    AuthorizationPolicy policy = policy();
                    if (random.nextInt(5) == 0) {
                        delta.removePolicy(policy.key());
                    } else {
                        delta.upsert(policy.key(), policy);
                    }
                }
                mesh = delta.apply();
                policies = policies.next(mesh, delta.changes());
                CompiledPolicies fresh = CompiledPolicies.compile(mesh);
                Workload destination = mesh.workloadByUid("w");
                for (int i = 0; i < 25; i++) {
                    ConnectionFacts facts = facts();
                    String expected = naive(mesh, destination, facts);

                    PolicyVerdict verdict = judge.judge(policies, destination, facts);

                    assertThat(kind(verdict)).isEqualTo(expected);
                    assertThat(kind(judge.judge(fresh, destination, facts))).isEqualTo(expected);
                    if (verdict instanceof PolicyVerdict.DeniedBy(var key, _, _)) {
                        assertThat(matches(mesh.policy(key), facts)).isTrue();
                        denied++;
                    } else if (verdict instanceof PolicyVerdict.Allowed(var key, _, _)) {
                        assertThat(key == null || matches(mesh.policy(key), facts)).isTrue();
                        allowed++;
                    } else {
                        notAllowed++;
                    }
                    assertDryRun(mesh, destination, facts, verdict);
                }
            }
        }
        assertThat(denied).isGreaterThan(500);
        assertThat(allowed).isGreaterThan(500);
        assertThat(notAllowed).isGreaterThan(500);
    }

    private static void assertDryRun(
            MeshSnapshot mesh, Workload destination, ConnectionFacts facts, PolicyVerdict verdict) {
        List<String> denied = new ArrayList<>();
        List<String> allowed = new ArrayList<>();
        for (AuthorizationPolicy policy : applying(mesh, destination)) {
            if (policy.dryRun() && matches(policy, facts)) {
                (policy.action() == Action.DENY ? denied : allowed).add(policy.key());
            }
        }
        assertThat(verdict.dryRun().denied()).containsExactlyInAnyOrderElementsOf(denied);
        assertThat(verdict.dryRun().allowed()).containsExactlyInAnyOrderElementsOf(allowed);
    }

    private static String kind(PolicyVerdict verdict) {
        return switch (verdict) {
            case PolicyVerdict.Allowed _ -> "allowed";
            case PolicyVerdict.DeniedBy _ -> "denied";
            case PolicyVerdict.NotAllowed _ -> "not allowed";
            case PolicyVerdict.Undecided _ -> "undecided";
        };
    }

    private static List<AuthorizationPolicy> applying(MeshSnapshot mesh, Workload destination) {
        return mesh.policies().stream()
                .filter(
                        policy ->
                                policy.scope() == Scope.GLOBAL
                                        || (policy.scope() == Scope.NAMESPACE
                                                && policy.namespace()
                                                        .equals(destination.namespace()))
                                        || destination
                                                .authorizationPolicies()
                                                .contains(policy.key()))
                .toList();
    }

    private static String naive(MeshSnapshot mesh, Workload destination, ConnectionFacts facts) {
        boolean anyAllow = false;
        boolean allowed = false;
        for (AuthorizationPolicy policy : applying(mesh, destination)) {
            if (policy.dryRun()) {
                continue;
            }
            boolean hit = matches(policy, facts);
            if (policy.action() == Action.DENY && hit) {
                return "denied";
            }
            anyAllow |= policy.action() == Action.ALLOW;
            allowed |= policy.action() == Action.ALLOW && hit;
        }
        return !anyAllow || allowed ? "allowed" : "not allowed";
    }

    private static boolean matches(AuthorizationPolicy policy, ConnectionFacts facts) {
        return policy.rules().stream()
                .anyMatch(
                        rule ->
                                rule.clauses().stream()
                                        .allMatch(
                                                clause ->
                                                        clause.matches().isEmpty()
                                                                || clause.matches().stream()
                                                                        .anyMatch(
                                                                                one ->
                                                                                        naive(
                                                                                                one,
                                                                                                facts))));
    }

    private static boolean naive(Match match, ConnectionFacts facts) {
        SpiffeId id = facts.identity();
        Predicate<StringMatch> namespace = one -> one.matches(id == null ? "" : id.namespace());
        Predicate<StringMatch> principal = one -> id != null && one.matches(id.principal());
        Predicate<ServiceAccount> account =
                one ->
                        id != null
                                && one.equals(
                                        new ServiceAccount(id.namespace(), id.serviceAccount()));
        boolean empty =
                match.equals(
                        new Match(
                                List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
                                List.of(), List.of(), List.of(), List.of(), List.of(), List.of()));
        return !empty
                && holds(match.namespaces(), match.notNamespaces(), namespace)
                && holds(match.principals(), match.notPrincipals(), principal)
                && holds(match.serviceAccounts(), match.notServiceAccounts(), account)
                && holds(
                        match.sourceIps(),
                        match.notSourceIps(),
                        range -> range.contains(facts.source()))
                && holds(
                        match.destinationIps(),
                        match.notDestinationIps(),
                        range -> range.contains(facts.destination()))
                && holds(
                        match.destinationPorts(),
                        match.notDestinationPorts(),
                        port -> port == facts.destinationPort());
    }

    private static <T> boolean holds(List<T> positive, List<T> negative, Predicate<T> hit) {
        return (positive.isEmpty() || positive.stream().anyMatch(hit))
                && negative.stream().noneMatch(hit);
    }

    private AuthorizationPolicy policy() {
        String key = key();
        return new AuthorizationPolicy(
                key.substring(2),
                key.substring(0, 1),
                pick(Scope.values()),
                random.nextInt(3) == 0 ? Action.DENY : Action.ALLOW,
                random.nextInt(5) == 0,
                list(
                        random.nextInt(4),
                        () ->
                                new Rule(
                                        list(
                                                random.nextInt(3),
                                                () ->
                                                        new Clause(
                                                                list(
                                                                        random.nextInt(3),
                                                                        this::match))))));
    }

    private String key() {
        return pick("a", "b") + "/p" + random.nextInt(5);
    }

    private Match match() {
        return new Match(
                some(this::text),
                some(this::text),
                some(() -> new ServiceAccount(pick("a", "b", "c"), pick("x", "y"))),
                some(() -> new ServiceAccount(pick("a", "b"), pick("x", "y"))),
                some(this::principal),
                some(this::principal),
                some(() -> Cidr.parse("10.0." + random.nextInt(2) + ".1/" + random.nextInt(33))),
                some(() -> Cidr.parse("10.0.0.1/" + random.nextInt(33))),
                some(() -> Cidr.parse("::/0")),
                some(() -> Cidr.parse("10.0.1.0/24")),
                some(() -> pick(80, 81)),
                some(() -> pick(80, 81)));
    }

    private <T> List<T> some(Supplier<T> one) {
        return random.nextInt(6) != 0 ? List.of() : list(1 + random.nextInt(2), one);
    }

    private StringMatch text() {
        return switch (random.nextInt(5)) {
            case 0 -> new StringMatch.Presence();
            case 1 -> new StringMatch.Prefix(pick("", "a"));
            case 2 -> new StringMatch.Suffix(pick("", "b"));
            default -> new StringMatch.Exact(pick("", "a", "b", "c"));
        };
    }

    private StringMatch principal() {
        return switch (random.nextInt(5)) {
            case 0 -> new StringMatch.Presence();
            case 1 -> new StringMatch.Prefix(pick("td/ns/a", "td/ns/b/sa", "", "t"));
            case 2 -> new StringMatch.Suffix(pick("/sa/x", "a/y", "s/a/sa/x", "", "y"));
            default ->
                    new StringMatch.Exact(
                            pick("td/ns/a/sa/x", "td/ns/b/sa/y", "td/ns/c/sa/x", "spiffe://td"));
        };
    }

    private ConnectionFacts facts() {
        return new ConnectionFacts(
                random.nextInt(4) == 0
                        ? null
                        : new SpiffeId(pick("td", "o"), pick("a", "b", "c"), pick("x", "y")),
                IpAddress.parse(
                        random.nextInt(6) == 0 ? "2001:db8::1" : "10.0." + pick(0, 1) + ".1"),
                IpAddress.parse(pick("10.0.1.9", "10.0.2.9", "::7")),
                pick(80, 81, 82));
    }

    private <T> List<T> list(int size, Supplier<T> one) {
        List<T> list = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            list.add(one.get());
        }
        return list;
    }

    @SafeVarargs
    private <T> T pick(T... values) {
        return values[random.nextInt(values.length)];
    }
}
