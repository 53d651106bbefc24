package io.ztunnel.dns;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/// Everything a name may stand for (docs/spec/config-observability-dns.md 6.4). Names are lower
/// case and without the dot at the end. Any thread.
final class Aliases {
    private final DnsSettings.Names settings;

    Aliases(DnsSettings.Names settings) {
        this.settings = settings;
    }

    /// @param name what may be a service
    /// @param stripped the name without the search domain that the client appended; null where it
    ///     is taken as it was asked
    record Alias(String name, @Nullable String stripped) {}

    /// In the order they are tried, none twice.
    List<Alias> of(String name, String namespace) {
        List<Alias> all = new ArrayList<>();
        add(all, name, null, namespace);
        for (String domain : search(namespace)) {
            String stripped = trimmed(name, domain);
            if (stripped != null) {
                add(all, stripped, stripped, namespace);
            }
        }
        return all;
    }

    List<String> search(String namespace) {
        if (settings.search() != null) {
            return settings.search();
        }
        String services = "svc." + settings.clusterDomain();
        return List.of(namespace + "." + services, services, settings.clusterDomain());
    }

    private void add(List<Alias> all, String name, @Nullable String stripped, String namespace) {
        addNew(all, name, stripped);
        for (String expanded : expanded(name, namespace)) {
            addNew(all, expanded, stripped);
        }
    }

    private static void addNew(List<Alias> all, String name, @Nullable String stripped) {
        for (Alias known : all) {
            if (known.name().equals(name)) {
                return;
            }
        }
        all.add(new Alias(name, stripped));
    }

    /// What Kubernetes would make of it.
    List<String> expanded(String name, String namespace) {
        String domain = "." + settings.clusterDomain();
        String services = ".svc" + domain;
        return switch (labels(name)) {
            case 1 -> List.of(name + "." + namespace + services);
            case 2 -> List.of(name + services, name + "." + namespace + services);
            case 3 ->
                    name.endsWith(".svc")
                            ? List.of(name + domain, name + services)
                            : List.of(name + services);
            case 4 -> name.endsWith(".svc") ? List.of(name + domain) : List.of();
            default -> List.of();
        };
    }

    /// The name without the domain; null where it is not below it.
    static @Nullable String trimmed(String name, String domain) {
        int rest = name.length() - domain.length() - 1;
        return rest > 0
                        && name.charAt(rest) == '.'
                        && name.endsWith(domain)
                        && !domain.startsWith("*")
                ? name.substring(0, rest)
                : null;
    }

    private static int labels(String name) {
        return name.isEmpty() ? 0 : (int) name.chars().filter(each -> each == '.').count() + 1;
    }
}
