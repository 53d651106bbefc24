package io.ztunnel.testkit;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;

/// What the CNI plugin installs in a pod so that its traffic meets the proxy
/// (docs/spec/inpod-and-deployment.md 3).
///
/// @param backend which tool carries the rules
/// @param dns whether queries are captured too
/// @param inbound whether plaintext arriving is captured; false is the pod's "ingress mode"
/// @param unredirected destinations the pod reaches directly; production has none
public record Redirection(
        Backend backend, boolean dns, boolean inbound, List<InetAddress> unredirected) {

    public enum Backend {
        IPTABLES,
        NFT
    }

    public static Redirection iptables() {
        return new Redirection(Backend.IPTABLES, true, true, List.of());
    }

    public static Redirection nft() {
        return new Redirection(Backend.NFT, true, true, List.of());
    }

    public Redirection withoutDns() {
        return new Redirection(backend, false, inbound, unredirected);
    }

    public Redirection withoutInbound() {
        return new Redirection(backend, dns, false, unredirected);
    }

    public Redirection except(InetAddress... destinations) {
        return new Redirection(backend, dns, inbound, List.of(destinations));
    }

    void install(Namespace pod) {
        switch (backend) {
            case IPTABLES -> {
                Prerequisites.require("iptables-restore", "ip6tables-restore");
                pod.feed(IptablesRules.text(this, false), "iptables-restore", "--noflush");
                pod.feed(IptablesRules.text(this, true), "ip6tables-restore", "--noflush");
            }
            case NFT -> {
                Prerequisites.require("nft");
                pod.feed(NftRules.text(this), "nft", "-f", "-");
            }
        }
        // Marked replies of the application find their way back to the proxy through loopback.
        pod.ip(
                "route add local 0.0.0.0/0 dev lo scope host table 100",
                "rule add fwmark 0x111/0xfff pref 32764 lookup 100");
        pod.ipv6(
                "route add local ::/0 dev lo table 100",
                "rule add fwmark 0x111/0xfff pref 32764 lookup 100");
    }

    List<String> unredirected(boolean v6) {
        return unredirected.stream()
                .filter(address -> address instanceof Inet6Address == v6)
                .map(InetAddress::getHostAddress)
                .toList();
    }
}
