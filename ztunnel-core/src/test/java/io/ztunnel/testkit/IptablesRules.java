package io.ztunnel.testkit;

import java.util.ArrayList;
import java.util.List;

/// Input for `iptables-restore --noflush` (docs/spec/inpod-and-deployment.md 3.2); the order of
/// rules in a chain matters.
final class IptablesRules {
    private static final String OURS = "-m mark --mark 0x539/0xfff";
    private static final String NOT_OURS = "-m mark ! --mark 0x539/0xfff";

    private IptablesRules() {}

    static String text(Redirection redirection, boolean v6) {
        String loopback = v6 ? "::1/128" : "127.0.0.1/32";
        String probe = v6 ? "fd16:9254:7127:1337:ffff:ffff:ffff:ffff" : "169.254.7.127";
        List<String> lines = new ArrayList<>();

        table(lines, "mangle");
        lines.add("-A ISTIO_PRERT " + OURS + " -j CONNMARK --set-xmark 0x111/0xfff");
        lines.add(
                "-A ISTIO_OUTPUT -m connmark --mark 0x111/0xfff -j CONNMARK --restore-mark"
                        + " --nfmask 0xffffffff --ctmask 0xffffffff");
        lines.add("COMMIT");

        table(lines, "nat");
        if (redirection.inbound()) {
            lines.add("-A ISTIO_PRERT -s " + probe + " -p tcp -m tcp -j ACCEPT");
            lines.add(
                    "-A ISTIO_PRERT ! -d %s -p tcp ! --dport 15008 %s -j REDIRECT --to-ports 15006"
                            .formatted(loopback, NOT_OURS));
        }
        for (String direct : redirection.unredirected(v6)) {
            lines.add("-A ISTIO_OUTPUT -d " + direct + " -p tcp -j ACCEPT");
        }
        lines.add("-A ISTIO_OUTPUT -d " + probe + " -p tcp -m tcp -j ACCEPT");
        if (redirection.dns()) {
            lines.add(
                    "-A ISTIO_OUTPUT ! -o lo -p udp %s -m udp --dport 53 -j REDIRECT --to-port 15053"
                            .formatted(NOT_OURS));
            lines.add(
                    "-A ISTIO_OUTPUT ! -d %s -p tcp --dport 53 %s -j REDIRECT --to-ports 15053"
                            .formatted(loopback, NOT_OURS));
        }
        lines.add("-A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT");
        lines.add("-A ISTIO_OUTPUT ! -d " + loopback + " -o lo -j ACCEPT");
        lines.add(
                "-A ISTIO_OUTPUT ! -d %s -p tcp %s -j REDIRECT --to-ports 15001"
                        .formatted(loopback, NOT_OURS));
        lines.add("COMMIT");

        if (redirection.dns()) {
            table(lines, "raw");
            lines.add("-A ISTIO_OUTPUT -p udp " + OURS + " -m udp --dport 53 -j CT --zone 1");
            lines.add("-A ISTIO_PRERT -p udp " + NOT_OURS + " -m udp --sport 53 -j CT --zone 1");
            lines.add("COMMIT");
        }
        return String.join("\n", lines) + "\n";
    }

    private static void table(List<String> lines, String name) {
        lines.add("*" + name);
        lines.add(":ISTIO_PRERT - [0:0]");
        lines.add(":ISTIO_OUTPUT - [0:0]");
        lines.add("-A PREROUTING -j ISTIO_PRERT");
        lines.add("-A OUTPUT -j ISTIO_OUTPUT");
    }
}
