package io.ztunnel.inbound;

import io.ztunnel.policy.PolicyVerdict;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/// What is logged about verdicts (docs/spec/config-observability-dns.md 5.7).
final class PolicyLog {
    private static final Logger LOG = LoggerFactory.getLogger("ztunnel::state");

    private PolicyLog() {}

    /// @param atInfo at INFO instead of DEBUG (`AUTHZ_POLICY_INFO_LOGGING`)
    static void tell(PolicyVerdict verdict, boolean atInfo) {
        verdict.unknownPolicies()
                .forEach(
                        key ->
                                LOG.warn(
                                        verdict instanceof PolicyVerdict.Undecided
                                                ? "unknown policy {}, so nobody is let in"
                                                : "skipping unknown policy {}",
                                        key));
        if (!(atInfo ? LOG.isInfoEnabled() : LOG.isDebugEnabled())) {
            return;
        }
        verdict.dryRun().denied().forEach(key -> say(atInfo, "dry-run: deny policy match", key));
        if (verdict instanceof PolicyVerdict.DeniedBy denied) {
            say(atInfo, "deny policy match", denied.policy());
            return;
        }
        verdict.dryRun().allowed().forEach(key -> say(atInfo, "dry-run: allow policy match", key));
        if (verdict.dryRun().noneAllowed()) {
            say(atInfo, "dry-run: no allow policies match", null);
        }
        switch (verdict) {
            case PolicyVerdict.Allowed allowed -> say(atInfo, verdict.text(), allowed.by());
            case PolicyVerdict.Undecided _ -> say(atInfo, verdict.text(), null);
            case PolicyVerdict.NotAllowed _, PolicyVerdict.DeniedBy _ ->
                    say(atInfo, "no allow policies matched", null);
        }
    }

    static void closed(InboundConnection.Plan plan, PolicyVerdict verdict) {
        LOG.info(
                "connection {}({})->{} ({}) closed because it's no longer allowed after a policy"
                        + " update: {}",
                plan.source(),
                plan.facts().identity(),
                plan.target(),
                plan.local().uid(),
                verdict.text());
    }

    private static void say(boolean atInfo, String message, @Nullable String policy) {
        LoggingEventBuilder line = atInfo ? LOG.atInfo() : LOG.atDebug();
        (policy == null ? line : line.addKeyValue("policy", policy)).log(message);
    }
}
