package io.ztunnel.testkit;

import java.util.ArrayList;
import java.util.List;

/// Input for `nft -f` (docs/spec/inpod-and-deployment.md 3.3); one table carries both families.
final class NftRules {
    private static final String OURS = "meta mark & 0xfff == 0x539";
    private static final String NOT_OURS = "meta mark & 0xfff != 0x539";
    private static final String NOT_SELF4 = "ip daddr != 127.0.0.1/32 ";
    private static final String NOT_SELF6 = "ip6 daddr != ::1/128 ";
    private static final String PROBE4 = "169.254.7.127";
    private static final String PROBE6 = "fd16:9254:7127:1337:ffff:ffff:ffff:ffff";

    private NftRules() {}

    static String text(Redirection redirection) {
        String nat =
                table(
                        "nat",
                        "type nat hook prerouting priority -100",
                        natPrerouting(redirection),
                        "type nat hook output priority -100",
                        natOutput(redirection));
        String mangle =
                table(
                        "mangle",
                        "type filter hook prerouting priority -150",
                        List.of(OURS + " counter ct mark set ct mark & 0xfffff000 | 0x111"),
                        // Only a chain of this type routes again after a mark has changed.
                        "type route hook output priority -150",
                        List.of("ct mark & 0xfff == 0x111 counter meta mark set ct mark"));
        String raw =
                table(
                        "raw",
                        "type filter hook prerouting priority -300",
                        List.of("udp sport 53 " + NOT_OURS + " counter ct zone set 1"),
                        "type filter hook output priority -300",
                        List.of("udp dport 53 " + OURS + " counter ct zone set 1"));
        return nat + mangle + (redirection.dns() ? raw : "");
    }

    private static List<String> natPrerouting(Redirection redirection) {
        if (!redirection.inbound()) {
            return List.of();
        }
        String capture = "tcp dport != 15008 " + NOT_OURS + " counter redirect to :15006";
        return List.of(
                "meta l4proto tcp ip saddr " + PROBE4 + " counter accept",
                "meta l4proto tcp ip6 saddr " + PROBE6 + " counter accept",
                NOT_SELF4 + capture,
                NOT_SELF6 + capture);
    }

    private static List<String> natOutput(Redirection redirection) {
        List<String> rules = new ArrayList<>();
        for (String direct : redirection.unredirected(false)) {
            rules.add("meta l4proto tcp ip daddr " + direct + " counter accept");
        }
        for (String direct : redirection.unredirected(true)) {
            rules.add("meta l4proto tcp ip6 daddr " + direct + " counter accept");
        }
        rules.add("meta l4proto tcp ip daddr " + PROBE4 + " counter accept");
        rules.add("meta l4proto tcp ip6 daddr " + PROBE6 + " counter accept");
        if (redirection.dns()) {
            String tcp = "tcp dport 53 " + NOT_OURS + " counter redirect to :15053";
            rules.add("oifname != \"lo\" " + NOT_OURS + " udp dport 53 counter redirect to :15053");
            rules.add(NOT_SELF4 + tcp);
            rules.add(NOT_SELF6 + tcp);
        }
        String capture = NOT_OURS + " counter redirect to :15001";
        rules.add("meta l4proto tcp meta mark & 0xfff == 0x111 counter accept");
        rules.add("oifname \"lo\" " + NOT_SELF4 + "counter accept");
        rules.add("oifname \"lo\" " + NOT_SELF6 + "counter accept");
        rules.add("meta l4proto tcp " + NOT_SELF4 + capture);
        rules.add("meta l4proto tcp " + NOT_SELF6 + capture);
        return rules;
    }

    private static String table(
            String name,
            String onArrival,
            List<String> arriving,
            String onLeaving,
            List<String> leaving) {
        return """
        table inet istio-ambient-%s {
          chain istio-prerouting {
            %s
          }
          chain istio-output {
            %s
          }
          chain prerouting {
            %s; policy accept;
            jump istio-prerouting
          }
          chain output {
            %s; policy accept;
            jump istio-output
          }
        }
        """
                .formatted(
                        name,
                        String.join("\n    ", arriving),
                        String.join("\n    ", leaving),
                        onArrival,
                        onLeaving);
    }
}
