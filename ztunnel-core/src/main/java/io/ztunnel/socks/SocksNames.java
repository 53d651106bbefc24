package io.ztunnel.socks;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.Workload;
import io.ztunnel.outbound.NameResolver;
import io.ztunnel.worker.PodSlice;

import org.jspecify.annotations.Nullable;

import java.util.Locale;
import java.util.function.Consumer;

/// Finds what a host name in a request stands for: a service that the pod may see, by its address
/// in our network, else what the resolver says. Confined to the worker's loop.
final class SocksNames {
    private final PodSlice slice;
    private final String network;
    private final NameResolver resolver;

    SocksNames(PodSlice slice, String network, NameResolver resolver) {
        this.slice = slice;
        this.network = network;
        this.resolver = resolver;
    }

    /// @param v6 the family to look for: the one the client itself uses
    /// @param then gets an address on the loop, perhaps at once, or null where there is none
    void find(String host, boolean v6, Workload client, Consumer<@Nullable IpAddress> then) {
        String name = withoutRootDot(host.toLowerCase(Locale.ROOT));
        IpAddress vip = vip(name, v6);
        if (vip != null) {
            then.accept(vip);
            return;
        }
        resolver.resolve(
                new NameResolver.Query(
                        name, v6, slice.local().party(), slice.local().identity(client)),
                slice.worker().loop(),
                then);
    }

    private @Nullable IpAddress vip(String name, boolean v6) {
        MeshSnapshot mesh = slice.worker().mesh().mesh();
        ServiceEntry found = mesh.serviceByHostname(name, slice.local().info().namespace());
        if (found == null) {
            return null;
        }
        for (NetworkAddress vip : found.service().vips()) {
            if (vip.network().equals(network) && vip.ip().isV6() == v6) {
                return vip.ip();
            }
        }
        return null;
    }

    private static String withoutRootDot(String name) {
        return name.length() > 1 && name.endsWith(".")
                ? name.substring(0, name.length() - 1)
                : name;
    }
}
