package io.ztunnel.config;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/// Reads what is asked for about connections that fail and about policies. These settings are ours;
/// the reference has none of them.
final class ConnectionSettings {
    /// The pod's own end does not wait longer for its proxy.
    private static final Duration LONGEST_STOP = Duration.ofSeconds(5);

    /// The whole node waits while a policy is waited for.
    private static final Duration LONGEST_HOLD = Duration.ofSeconds(10);

    private ConnectionSettings() {}

    static ZtunnelConfig.Retry retry(Environment env) {
        return new ZtunnelConfig.Retry(
                (int) env.within(Setting.OUTBOUND_CONNECT_ATTEMPTS, 32, 1, 10, 3),
                env.duration(Setting.OUTBOUND_CONNECT_WINDOW, Duration.ofSeconds(10)),
                env.duration(Setting.OUTBOUND_ATTEMPT_TIMEOUT, Duration.ofSeconds(4)),
                env.duration(Setting.OUTBOUND_AVOID_TIME, Duration.ofSeconds(5)));
    }

    static ZtunnelConfig.Policies policies(Environment env) {
        Duration hold = atMost(env, Setting.POLICY_HOLD, LONGEST_HOLD);
        Boolean deny =
                env.read(
                        Setting.UNKNOWN_POLICY,
                        text ->
                                switch (text) {
                                    case "allow" -> false;
                                    case "deny" -> true;
                                    default ->
                                            throw new IllegalArgumentException(
                                                    "must be `allow` or `deny`");
                                });
        return new ZtunnelConfig.Policies(
                hold == null ? Duration.ofMillis(500) : hold, deny != null && deny);
    }

    static Duration podStopGrace(Environment env) {
        Duration grace = atMost(env, Setting.ZTUNNEL_POD_STOP_GRACE, LONGEST_STOP);
        return grace == null ? Duration.ofSeconds(1) : grace;
    }

    /// Zero, or long enough that a busy machine is not taken for a stuck loop.
    static Duration stuckAfter(Environment env) {
        Duration after =
                env.read(
                        Setting.ZTUNNEL_STUCK_AFTER,
                        text -> {
                            Duration asked = Durations.parse(text);
                            if (!asked.isZero() && asked.compareTo(Duration.ofSeconds(1)) < 0) {
                                throw new IllegalArgumentException("must be 0s, or 1s or more");
                            }
                            return asked;
                        });
        return after == null ? Duration.ofSeconds(10) : after;
    }

    private static @Nullable Duration atMost(Environment env, Setting setting, Duration longest) {
        return env.read(
                setting,
                text -> {
                    Duration asked = Durations.parse(text);
                    if (asked.compareTo(longest) > 0) {
                        throw new IllegalArgumentException(
                                "must be " + longest.toSeconds() + "s or less");
                    }
                    return asked;
                });
    }
}
