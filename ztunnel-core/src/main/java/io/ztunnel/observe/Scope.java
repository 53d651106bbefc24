package io.ztunnel.observe;

import java.util.Map;

/// The scopes that lines carry and filters name (docs/spec/config-observability-dns.md 5.2 and
/// 5.4).
///
/// Our packages speak under the names operators know from the reference, so that a filter such as
/// `ztunnel::proxy=debug` keeps its meaning. Other libraries keep their logger's name.
final class Scope {
    static final String ACCESS = "access";
    static final String DNS = "dns";

    /// Also the name of a logger: verdicts are told in the scope that operators know for them,
    /// which is not that of the package that tells them.
    static final String STATE = "ztunnel::state";

    private static final String OURS = "io.ztunnel.";

    /// Logger name (a package of ours) to scope.
    static final Map<String, String> OF_PACKAGE =
            Map.ofEntries(
                    Map.entry("io.ztunnel", "ztunnel::app"),
                    Map.entry("io.ztunnel.config", "ztunnel::config"),
                    Map.entry("io.ztunnel.lifecycle", "ztunnel::readiness"),
                    Map.entry("io.ztunnel.observe", "ztunnel::telemetry"),
                    Map.entry("io.ztunnel.admin", "ztunnel::admin"),
                    Map.entry("io.ztunnel.mesh", STATE),
                    Map.entry("io.ztunnel.policy", "ztunnel::state::policy"),
                    Map.entry("io.ztunnel.route", "ztunnel::state::route"),
                    Map.entry("io.ztunnel.feed", "ztunnel::xds"),
                    Map.entry("io.ztunnel.xds", "ztunnel::xds::client"),
                    Map.entry("io.ztunnel.ca", "ztunnel::identity::caclient"),
                    Map.entry("io.ztunnel.identity", "ztunnel::identity"),
                    Map.entry("io.ztunnel.tls", "ztunnel::tls"),
                    Map.entry("io.ztunnel.net", "ztunnel::socket"),
                    Map.entry("io.ztunnel.relay", "ztunnel::copy"),
                    Map.entry("io.ztunnel.worker", "ztunnel::proxy"),
                    Map.entry("io.ztunnel.hbone", "ztunnel::proxy::h2"),
                    Map.entry("io.ztunnel.outbound", "ztunnel::proxy::outbound"),
                    Map.entry("io.ztunnel.inbound", "ztunnel::proxy::inbound"),
                    Map.entry("io.ztunnel.pod", "ztunnel::proxyfactory"),
                    Map.entry("io.ztunnel.inpod", "ztunnel::inpod"),
                    Map.entry("io.ztunnel.dns", "ztunnel::dns"));

    private Scope() {}

    /// The scope of a logger.
    static String of(String logger) {
        String name = logger;
        while (name.startsWith(OURS)) {
            name = name.substring(0, name.lastIndexOf('.'));
            String scope = OF_PACKAGE.get(name);
            if (scope != null) {
                return scope;
            }
        }
        return logger;
    }

    /// How the plain format shows it.
    static String shown(String scope) {
        return scope.startsWith("ztunnel::") ? scope.substring(9) : scope;
    }
}
