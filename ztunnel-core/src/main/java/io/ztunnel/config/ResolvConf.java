package io.ztunnel.config;

import io.ztunnel.mesh.IpAddress;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Reads `/etc/resolv.conf` (resolv.conf(5); docs/spec/config-observability-dns.md 6.7). What it
/// does not know it passes over, as the C library does.
final class ResolvConf {
    static final String PATH = "/etc/resolv.conf";

    /// As many servers as the C library asks.
    private static final int MOST_SERVERS = 3;

    private static final int LONGEST_TIMEOUT = 30;
    private static final int MOST_ATTEMPTS = 5;
    private static final int MOST_DOTS = 15;

    private final List<IpAddress> servers = new ArrayList<>();
    private List<String> search = List.of();
    private @Nullable String domain;
    private int dots = 1;
    private int timeout = 5;
    private int attempts = 2;

    private ResolvConf() {}

    static ZtunnelConfig.Resolver parse(String text) {
        ResolvConf file = new ResolvConf();
        text.lines().map(ResolvConf::words).forEach(file::line);
        return new ZtunnelConfig.Resolver(
                file.domain,
                List.copyOf(file.servers),
                file.search,
                file.dots,
                Duration.ofSeconds(file.timeout),
                file.attempts);
    }

    private static String[] words(String line) {
        return line.replaceFirst("[#;].*", "").strip().split("\\s+");
    }

    private void line(String[] words) {
        switch (words[0]) {
            case "nameserver" -> {
                // One with a scope is of an interface that pods do not have.
                IpAddress server = words.length < 2 ? null : IpAddress.parseOrNull(words[1]);
                if (server != null && servers.size() < MOST_SERVERS) {
                    servers.add(server);
                }
            }
            // The last of these lines counts.
            case "search" -> search = names(words);
            case "domain" -> {
                search = names(words);
                domain = search.isEmpty() ? null : search.getFirst();
            }
            case "options" -> {
                for (String word : words) {
                    option(word);
                }
            }
            default -> {}
        }
    }

    private static List<String> names(String[] words) {
        List<String> names = new ArrayList<>();
        for (int i = 1; i < words.length; i++) {
            String name = words[i].toLowerCase(Locale.ROOT);
            String bare = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
            if (!bare.isEmpty()) {
                names.add(bare);
            }
        }
        return List.copyOf(names);
    }

    private void option(String word) {
        int colon = word.indexOf(':');
        if (colon < 0) {
            return;
        }
        int value;
        try {
            value = Integer.parseInt(word.substring(colon + 1));
        } catch (NumberFormatException notANumber) {
            return;
        }
        switch (word.substring(0, colon)) {
            case "ndots" -> dots = Math.clamp(value, 0, MOST_DOTS);
            case "timeout" -> timeout = Math.clamp(value, 1, LONGEST_TIMEOUT);
            case "attempts" -> attempts = Math.clamp(value, 1, MOST_ATTEMPTS);
            default -> {}
        }
    }
}
