package io.ztunnel.dns;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/// What the mesh answers for a name: a function of the name, the client and the snapshot
/// (docs/spec/config-observability-dns.md 6.3 to 6.6). Its cost grows with the labels of the name
/// and with the endpoints of the one headless service it finds, not with the mesh. Any thread.
final class MeshNames {
    private final DnsSettings.Names settings;
    private final Aliases aliases;
    private final String kubernetes;

    MeshNames(DnsSettings.Names settings) {
        this.settings = settings;
        this.aliases = new Aliases(settings);
        this.kubernetes = ".svc." + settings.clusterDomain();
    }

    /// A name that the mesh knows, and what it stands for.
    ///
    /// @param owner who the addresses belong to: the name itself, or what is left of it without the
    ///     search domain, to which the name is then an alias (CNAME)
    /// @param familyServed false where the service has no addresses of this family on principle
    record Known(String owner, boolean familyServed, List<IpAddress> addresses) {}

    /// @param name lower case, without the dot at the end
    /// @param v6 whether IPv6 addresses are asked for
    /// @return null where somebody else has to be asked
    @Nullable Known find(String name, boolean v6, Workload client, MeshSnapshot mesh) {
        for (Aliases.Alias alias : aliases.of(name, client.namespace())) {
            ServiceEntry exact = best(alias.name(), client, mesh);
            if (exact != null) {
                String stripped = alias.name().startsWith("*.") ? null : alias.stripped();
                return known(exact, stripped == null ? name : stripped, v6, client);
            }
            for (int dot = alias.name().indexOf('.');
                    dot >= 0;
                    dot = alias.name().indexOf('.', dot + 1)) {
                ServiceEntry wild = best("*" + alias.name().substring(dot), client, mesh);
                if (wild != null) {
                    return known(wild, name, v6, client);
                }
            }
        }
        return null;
    }

    /// In the client's namespace, else the last canonical one, else one in the preferred namespace,
    /// else the first.
    private @Nullable ServiceEntry best(String hostname, Workload client, MeshSnapshot mesh) {
        ServiceEntry first = null;
        ServiceEntry preferred = null;
        ServiceEntry canonical = null;
        for (ServiceEntry entry : mesh.servicesByHostname(hostname)) {
            Service service = entry.service();
            if (!isAnswered(service) || !service.visibleTo(client.namespace())) {
                continue;
            }
            if (service.namespace().equals(client.namespace())) {
                return entry;
            }
            first = first == null ? entry : first;
            canonical = service.canonical() ? entry : canonical;
            preferred =
                    service.namespace().equals(settings.preferredNamespace()) ? entry : preferred;
        }
        if (canonical != null) {
            return canonical;
        }
        return preferred != null ? preferred : first;
    }

    /// Without an address a service is answered only where Kubernetes would call it headless.
    private boolean isAnswered(Service service) {
        return !service.vips().isEmpty() || service.hostname().endsWith(kubernetes);
    }

    private Known known(ServiceEntry entry, String owner, boolean v6, Workload client) {
        Service.IpFamilies families = entry.service().ipFamilies();
        Service.IpFamilies other = v6 ? Service.IpFamilies.IPV4 : Service.IpFamilies.IPV6;
        if (families == other || (v6 && !settings.ipv6())) {
            return new Known(owner, false, List.of());
        }
        return new Known(owner, true, addresses(entry, v6, client));
    }

    private static List<IpAddress> addresses(ServiceEntry entry, boolean v6, Workload client) {
        List<IpAddress> addresses = new ArrayList<>();
        if (entry.service().vips().isEmpty()) {
            entry.endpoints()
                    .forEachAdmitted(
                            entry.service(), endpoint -> addFirst(addresses, endpoint, v6));
            return addresses;
        }
        for (NetworkAddress vip : entry.service().vips()) {
            if (vip.ip().isV6() == v6 && vip.network().equals(client.network())) {
                addresses.add(vip.ip());
            }
        }
        return addresses;
    }

    private static void addFirst(List<IpAddress> addresses, Workload endpoint, boolean v6) {
        for (IpAddress ip : endpoint.addresses()) {
            if (ip.isV6() == v6) {
                addresses.add(ip);
                return;
            }
        }
    }
}
