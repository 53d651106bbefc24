package io.ztunnel.bench.micro;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.StringMatch;
import io.ztunnel.mesh.Workload;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.policy.ConnectionFacts;
import io.ztunnel.policy.PolicyJudge;
import io.ztunnel.policy.PolicyVerdict;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Upstream's `rbac`: ten thousand global DENY policies with ten rules each, none of which matches.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Rbac {
    private static final int POLICIES = 10_000;
    private static final int RULES = 10;

    private final CompiledPolicies policies = CompiledPolicies.compile(mesh());
    private final PolicyJudge judge = new PolicyJudge();
    private final Workload destination = Facts.workload(0, List.of());
    private final ConnectionFacts facts =
            new ConnectionFacts(
                    null, IpAddress.parse("127.0.0.1"), IpAddress.parse("127.0.0.2"), 12345);

    @Benchmark
    public PolicyVerdict rbac() {
        return judge.judge(policies, destination, facts);
    }

    private static MeshSnapshot mesh() {
        List<StringMatch> texts =
                List.of(
                        new StringMatch.Prefix("random-prefix-2b123"),
                        new StringMatch.Suffix("random-postix-2b723"),
                        new StringMatch.Exact("random-exac-2bc13"));
        List<Cidr> nowhere = List.of(Cidr.parse("198.51.100.0/24"));
        AuthorizationPolicy.Match match =
                new AuthorizationPolicy.Match(
                        texts,
                        List.of(),
                        List.of(),
                        List.of(),
                        texts,
                        List.of(),
                        nowhere,
                        List.of(),
                        nowhere,
                        List.of(),
                        List.of(0),
                        List.of());
        AuthorizationPolicy.Rule rule =
                new AuthorizationPolicy.Rule(
                        List.of(new AuthorizationPolicy.Clause(List.of(match))));
        MeshDelta delta = new MeshDelta(MeshSnapshot.empty(), "");
        for (int i = 0; i < POLICIES; i++) {
            AuthorizationPolicy policy =
                    new AuthorizationPolicy(
                            "policy " + i,
                            "default",
                            AuthorizationPolicy.Scope.GLOBAL,
                            AuthorizationPolicy.Action.DENY,
                            false,
                            Collections.nCopies(RULES, rule));
            delta.upsert(policy.key(), policy);
        }
        return delta.apply();
    }
}
