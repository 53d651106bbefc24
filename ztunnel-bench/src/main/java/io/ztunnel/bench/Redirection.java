package io.ztunnel.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// The rules that bring a pod's traffic to its proxy, as the CNI plugin lays them
/// (docs/spec/inpod-and-deployment.md 3.2, IPv4, without DNS and probes).
final class Redirection {
    private static final String RULES =
            """
            *mangle
            :ISTIO_PRERT -
            :ISTIO_OUTPUT -
            -A PREROUTING -j ISTIO_PRERT
            -A OUTPUT -j ISTIO_OUTPUT
            -A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff
            -A ISTIO_OUTPUT -m connmark --mark 0x111/0xfff -j CONNMARK --restore-mark \
            --nfmask 0xffffffff --ctmask 0xffffffff
            COMMIT
            *nat
            :ISTIO_PRERT -
            :ISTIO_OUTPUT -
            -A PREROUTING -j ISTIO_PRERT
            -A OUTPUT -j ISTIO_OUTPUT
            -A ISTIO_PRERT ! -d 127.0.0.1/32 -p tcp ! --dport 15008 \
            -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006
            -A ISTIO_OUTPUT -d AUTHORITY/32 -p tcp -j ACCEPT
            -A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT
            -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -j ACCEPT
            -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -p tcp -m mark ! --mark 0x539/0xfff \
            -j REDIRECT --to-ports 15001
            COMMIT
            """;

    private Redirection() {}

    /// @param authority where certificates come from: a dedicated proxy shares the pod's namespace
    ///     and its own calls carry no mark, so this address is left alone
    static void apply(Pod pod, String authority) {
        List<String> restore = pod.inside("iptables-restore", "--noflush");
        Command.run(Duration.ofSeconds(15), RULES.replace("AUTHORITY", authority), restore);
        pod.run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100");
        List<String> rule = new ArrayList<>(List.of("ip", "rule", "add", "fwmark", "0x111/0xfff"));
        rule.addAll(List.of("pref", "32764", "lookup", "100"));
        pod.run(rule.toArray(String[]::new));
        NetworkSettings.forgetClosedConnections(pod);
    }
}
