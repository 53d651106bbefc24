package io.ztunnel.policy;

import static io.ztunnel.testkit.PolicyText.allow;
import static io.ztunnel.testkit.PolicyText.deny;
import static io.ztunnel.testkit.PolicyText.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.AuthorizationPolicy.Action;
import io.ztunnel.mesh.AuthorizationPolicy.Scope;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The rows B1 to B31 and C1 to C44 of docs/spec/control-plane.md 5.10 and 5.11: what several
/// policies say together.
class PolicySetsTest {
    private static final String ALL = "(rule without clauses)";
    private static final String NOTHING = "(no rules)";
    private static final String STRICT = "{not-principal present}";
    private static final String STATIC = "istio-system/istio_converted_static_strict";
    private static final String CONVERTED = "foo/converted_peer_authentication_w";

    private static String from(String account) {
        return "{principal =cluster.local/ns/default/sa/" + account + "}";
    }

    private static AuthorizationPolicy dry(String key, Action action, String rules) {
        return policy(key, Scope.NAMESPACE, action, true, rules);
    }

    /// A policy of a selector, which the destination lists.
    private static AuthorizationPolicy sel(String key, String rules) {
        return deny(key, Scope.WORKLOAD_SELECTOR, rules);
    }

    private static List<AuthorizationPolicy> logic() {
        return List.of(
                allow("ns1/allow", Scope.NAMESPACE, from("defaultacct")),
                deny("ns1/deny", Scope.NAMESPACE, from("denyacct")),
                dry("ns1/dry-allow", Action.ALLOW, ALL),
                dry("ns1/dry-deny", Action.DENY, ALL));
    }

    private static List<AuthorizationPolicy> real() {
        return List.of(
                deny("ns1/real-deny", Scope.NAMESPACE, from("denyacct")),
                dry("ns1/dry-deny", Action.DENY, from("defaultacct") + " / " + from("denyacct")),
                allow("ns1/real-allow", Scope.NAMESPACE, from("defaultacct")),
                dry("ns1/dry-allow", Action.ALLOW, from("defaultacct")));
    }

    private static AuthorizationPolicy demo(Action action, String rules) {
        return policy("demo/no", Scope.NAMESPACE, action, false, rules);
    }

    private static final String NO_ALLOW = "allow policies exist, but none allowed";

    private static Arguments row(
            String id,
            String namespace,
            List<AuthorizationPolicy> policies,
            String connection,
            String reason) {
        return Arguments.of(id, namespace, policies, connection, reason);
    }

    static Stream<Arguments> rowsB() {
        String ok = "";
        String fromDefault = "default/defaultacct";
        AuthorizationPolicy denyAll = demo(Action.ALLOW, NOTHING);
        AuthorizationPolicy allowDefault =
                policy("demo/a", Scope.NAMESPACE, Action.ALLOW, false, from("defaultacct"));
        AuthorizationPolicy port80 = deny("default/foo0", Scope.GLOBAL, "{port 80}");
        AuthorizationPolicy not9999 = allow("demo/deny-9999", Scope.NAMESPACE, "{not-port 9999}");
        return Stream.of(
                row("B1", "ns2", logic(), "default/not-defaultacct", ok),
                row("B2", "ns1", logic(), fromDefault, ok),
                row("B3", "ns1", logic(), "default/not-defaultacct", NO_ALLOW),
                row("B4", "ns1", logic(), "default/denyacct", "explicitly denied by: ns1/deny"),
                row("B5", "ns1", List.of(), fromDefault, ok),
                row("B6", "ns1", List.of(), "", ok),
                row("B7", "ns1", real(), fromDefault, ok),
                row("B8", "ns1", real(), "default/denyacct", "explicitly denied by: ns1/real-deny"),
                row("B9", "ns1", List.of(dry("ns1/d", Action.ALLOW, from("x"))), fromDefault, ok),
                row("B10", "ns1", List.of(dry("ns1/d", Action.DENY, ALL)), fromDefault, ok),
                row("B11", "ns1", List.of(port80), ":80", "explicitly denied by: default/foo0"),
                row("B12", "ns1", List.of(port80), ":81", ok),
                row("B13", "demo", List.of(demo(Action.DENY, NOTHING)), "", ok),
                row("B14", "demo", List.of(denyAll), "", NO_ALLOW),
                row("B15", "demo", List.of(denyAll), fromDefault, NO_ALLOW),
                row("B16", "demo", List.of(denyAll, allowDefault), fromDefault, ok),
                row("B17", "demo", List.of(denyAll, allowDefault), "default/other", NO_ALLOW),
                row("B18", "demo", List.of(demo(Action.ALLOW, ALL)), "", ok),
                row(
                        "B19",
                        "demo",
                        List.of(demo(Action.DENY, ALL)),
                        fromDefault,
                        "explicitly denied by: demo/no"),
                row(
                        "B20",
                        "demo",
                        List.of(demo(Action.DENY, ALL), allow("demo/yes", Scope.NAMESPACE, ALL)),
                        fromDefault,
                        "explicitly denied by: demo/no"),
                row("B21", "ns1", List.of(deny("ns9/d", Scope.NAMESPACE, ALL)), fromDefault, ok),
                row("B22-unlisted", "ns1", List.of(sel("ns1/d", ALL)), fromDefault, ok),
                row(
                        "B23",
                        "ns1",
                        List.of(sel("istio-system/x", ALL)),
                        fromDefault,
                        "explicitly denied by: istio-system/x"),
                row("B24-missing", "ns1", List.of(sel("ns1/x", ALL)), "", ok),
                row(
                        "B25",
                        "any",
                        List.of(allow("istio-system/d", Scope.GLOBAL, NOTHING)),
                        fromDefault,
                        NO_ALLOW),
                row(
                        "B26",
                        "demo",
                        List.of(allow("istio-system/d", Scope.GLOBAL, NOTHING), allowDefault),
                        fromDefault,
                        ok),
                row("B27", "demo", List.of(allowDefault), "", NO_ALLOW),
                row("B28", "demo", List.of(demo(Action.ALLOW, "{port 8080}")), "", ok),
                row("B29", "demo", List.of(not9999), "", ok),
                row("B30", "demo", List.of(not9999), ":9999", NO_ALLOW),
                row(
                        "B31",
                        "demo",
                        List.of(
                                demo(
                                        Action.ALLOW,
                                        "{principal =spiffe://cluster.local/ns/default/sa/wp}")),
                        "istio-system/ztunnel",
                        NO_ALLOW));
    }

    static Stream<Arguments> rowsC() {
        String ok = "";
        String mtls = "foo/client";
        AuthorizationPolicy strict = sel(STATIC, STRICT);
        AuthorizationPolicy but9090 = sel(CONVERTED, STRICT + " AND {not-port 9090}");
        AuthorizationPolicy reversed = sel(CONVERTED, "{not-port 9090} AND " + STRICT);
        AuthorizationPolicy only9090 = sel(CONVERTED, "{not-principal present; port 9090}");
        AuthorizationPolicy two =
                sel(
                        CONVERTED,
                        "{not-principal present; port 8080} / {not-principal present; port 9090}");
        AuthorizationPolicy holes =
                sel(CONVERTED, "{not-port 18080} AND {not-port 19090} AND " + STRICT);
        String byStatic = "explicitly denied by: " + STATIC;
        String byConverted = "explicitly denied by: " + CONVERTED;
        AuthorizationPolicy clients =
                allow(
                        "foo/l4",
                        Scope.WORKLOAD_SELECTOR,
                        "{principal =cluster.local/ns/foo/sa/client or"
                                + " =cluster.local/ns/foo/sa/waypoint}");
        AuthorizationPolicy else_ =
                allow("foo/l4", Scope.WORKLOAD_SELECTOR, "{principal =something/else}");
        AuthorizationPolicy root = allow("istio-system/deny-all", Scope.GLOBAL, NOTHING);
        AuthorizationPolicy waypoint =
                allow("foo/wp", Scope.NAMESPACE, "{principal =cluster.local/ns/foo/sa/waypoint}");
        String bar = "{principal =cluster.local/ns/foo/sa/bar}";
        String byX = "explicitly denied by: d/x";
        AuthorizationPolicy groups =
                allow(
                        "foo/groups",
                        Scope.NAMESPACE,
                        "{port 80} AND {ns =only-l4-ns} / {ns =when-l4-ns} AND {src"
                                + " 10.10.10.10/32}");
        AuthorizationPolicy groupsDeny =
                sel(
                        "d/groups-deny",
                        "{ns =when-l4-ns} AND {src 10.10.10.10/32; not-src 20.20.20.20/32} /"
                                + " {ns =when-l4-l7-ns} AND {} / {} AND {}");
        AuthorizationPolicy auto =
                allow(
                        "foo/auto",
                        Scope.WORKLOAD_SELECTOR,
                        "{principal =cluster.local/ns/ns1/sa/namespace-wide or"
                                + " =cluster.local/ns/ns1/sa/waypoint-sa}");
        return Stream.of(
                row("C1", "foo", List.of(strict), "", byStatic),
                row("C2", "foo", List.of(strict), mtls, ok),
                row("C3", "foo", List.of(), "", ok),
                row("C4", "foo", List.of(but9090), ":9090", ok),
                row("C5", "foo", List.of(but9090), ":8080", byConverted),
                row("C6", "foo", List.of(but9090), mtls, ok),
                row("C7", "foo", List.of(but9090), mtls + ":9090", ok),
                row("C8", "foo", List.of(reversed), ":9090", ok),
                row("C9", "foo", List.of(reversed), ":80", byConverted),
                row("C10", "foo", List.of(only9090), ":9090", byConverted),
                row("C11", "foo", List.of(only9090), ":8080", ok),
                row("C12", "foo", List.of(only9090), mtls + ":9090", ok),
                row("C13", "foo", List.of(two), ":8080", byConverted),
                row("C14", "foo", List.of(two), ":9090", byConverted),
                row("C15", "foo", List.of(two), ":7070", ok),
                row("C16", "foo", List.of(holes), ":18080", ok),
                row("C17", "foo", List.of(holes), ":19090", ok),
                row("C18", "foo", List.of(holes), ":80", byConverted),
                row("C19", "foo", List.of(strict, but9090), ":9090", byStatic),
                row("C20", "foo", List.of(clients), "foo/client", ok),
                row("C21", "foo", List.of(clients), "", NO_ALLOW),
                row("C22", "foo", List.of(else_), "foo/client", NO_ALLOW),
                row("C23", "foo", List.of(root), "foo/waypoint", NO_ALLOW),
                row("C24", "foo", List.of(root, waypoint), "foo/waypoint", ok),
                row("C25", "foo", List.of(root, waypoint), "foo/client", NO_ALLOW),
                row("C26", "d", List.of(sel("d/x", "{}")), "foo/bar", ok),
                row("C27", "d", List.of(sel("d/x", bar)), "foo/bar", byX),
                row("C28", "d", List.of(sel("d/x", "{} / " + bar)), "foo/bar", byX),
                row("C29", "d", List.of(sel("d/x", ALL + " / {}")), "", byX),
                row("C30", "d", List.of(sel("d/x", bar + " AND {}")), "foo/bar", ok),
                row("C31", "d", List.of(sel("d/x", "{} AND " + bar)), "foo/bar", ok),
                row("C32", "d", List.of(sel("d/x", "(" + bar + " OR {})")), "foo/bar", byX),
                row(
                        "C33",
                        "foo",
                        List.of(allow("foo/l7", Scope.NAMESPACE, NOTHING)),
                        "foo/bar",
                        NO_ALLOW),
                row("C34", "foo", List.of(groups), "only-l4-ns/a:80", ok),
                row("C35", "foo", List.of(groups), "only-l4-ns/a:81", NO_ALLOW),
                row("C36", "foo", List.of(groups), "when-l4-ns/a@10.10.10.10", ok),
                row("C37", "foo", List.of(groups), "when-l4-ns/a@10.10.10.11", NO_ALLOW),
                row(
                        "C38",
                        "d",
                        List.of(groupsDeny),
                        "when-l4-ns/a@10.10.10.10",
                        "explicitly denied by: d/groups-deny"),
                row("C39", "d", List.of(groupsDeny), "when-l4-l7-ns/a", ok),
                row("C40", "d", List.of(groupsDeny), "", ok),
                row(
                        "C41",
                        "foo",
                        List.of(
                                allow(
                                        "foo/f",
                                        Scope.NAMESPACE,
                                        "{ns present or =ns; not-ns present}")),
                        "ns/a",
                        NO_ALLOW),
                row("C42", "foo", List.of(allow("foo/f", Scope.NAMESPACE, "{}")), "", NO_ALLOW),
                row("C43", "foo", List.of(auto), "foo/client", NO_ALLOW),
                row("C44", "foo", List.of(auto), "ns1/waypoint-sa", ok));
    }

    /// @param connection `<namespace>/<account>@<source>:<port>`, each part optional
    /// @param reason empty where the connection is allowed
    @ParameterizedTest(name = "{0} in {1} from {3}: {4}")
    @MethodSource({"rowsB", "rowsC"})
    void verdict(
            String id,
            String namespace,
            List<AuthorizationPolicy> policies,
            String connection,
            String reason) {
        MeshDelta delta = new MeshDelta(MeshSnapshot.empty(), "");
        List<String> listed = new ArrayList<>();
        for (AuthorizationPolicy policy : policies) {
            if (!id.endsWith("missing")) {
                delta.upsert(policy.key(), policy);
            }
            if (policy.scope() == Scope.WORKLOAD_SELECTOR && !id.endsWith("unlisted")) {
                listed.add(policy.key());
            }
        }
        Workload destination =
                Workload.builder()
                        .uid("w")
                        .namespace(namespace)
                        .authorizationPolicies(listed)
                        .build();

        PolicyVerdict verdict =
                new PolicyJudge()
                        .judge(
                                CompiledPolicies.compile(delta.upsert(destination).apply()),
                                destination,
                                facts(connection));

        assertThat(verdict.allows()).isEqualTo(reason.isEmpty());
        if (!reason.isEmpty()) {
            assertThat(verdict.text()).isEqualTo(reason);
        }
        assertThat(verdict.unknownPolicies())
                .isEqualTo(id.endsWith("missing") ? listed : List.of());
    }

    private static ConnectionFacts facts(String text) {
        String rest = text;
        int port = 8080;
        int colon = rest.indexOf(':');
        if (colon >= 0) {
            port = Integer.parseInt(rest.substring(colon + 1));
            rest = rest.substring(0, colon);
        }
        int at = rest.indexOf('@');
        String source = at < 0 ? "10.0.0.9" : rest.substring(at + 1);
        rest = at < 0 ? rest : rest.substring(0, at);
        int slash = rest.indexOf('/');
        SpiffeId identity =
                slash < 0
                        ? null
                        : new SpiffeId(
                                "cluster.local",
                                rest.substring(0, slash),
                                rest.substring(slash + 1));
        return new ConnectionFacts(
                identity, IpAddress.parse(source), IpAddress.parse("1.2.3.4"), port);
    }
}
