package io.ztunnel.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What this machine must offer before a namespace can be made. Missing things fail loudly: a
/// privileged test that skips itself proves nothing.
public final class Prerequisites {
    private static final Map<String, String> PACKAGE_OF =
            Map.of(
                    "ip", "iproute2",
                    "iptables-restore", "iptables",
                    "ip6tables-restore", "iptables",
                    "nft", "nftables",
                    "tcpdump", "tcpdump",
                    "curl", "curl",
                    "dig", "bind9-dnsutils",
                    "perl", "perl");

    private static final List<String> FOLDERS =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    private Prerequisites() {}

    /// Everything that is missing, one sentence each that says what to do; empty when all is there.
    public static List<String> missing(String... tools) {
        List<String> missing = new ArrayList<>();
        if (!isRoot()) {
            missing.add("Network namespaces need root: run the same command with sudo.");
        }
        for (String tool : tools) {
            if (FOLDERS.stream().noneMatch(at -> Files.isExecutable(Path.of(at, tool)))) {
                missing.add(
                        "The tool '%s' is not installed: install the package '%s' (apt install %s)."
                                .formatted(tool, packageOf(tool), packageOf(tool)));
            }
        }
        return missing;
    }

    /// @throws IllegalStateException saying what is missing and what to do
    public static void require(String... tools) {
        List<String> missing = missing(tools);
        if (!missing.isEmpty()) {
            throw new IllegalStateException(String.join(" ", missing));
        }
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException unreadable) {
            throw new IllegalStateException("cannot tell who runs this process", unreadable);
        }
    }

    private static String packageOf(String tool) {
        return PACKAGE_OF.getOrDefault(tool, tool);
    }
}
