package io.ztunnel.mesh;

import io.ztunnel.mesh.persistent.OneOrMany;
import io.ztunnel.mesh.persistent.PersistentMap;
import io.ztunnel.mesh.persistent.PrefixTrie;

import org.jspecify.annotations.Nullable;

/// The services by everything they are looked up by (docs/spec/control-plane.md 4.1 and 4.6),
/// immutable.
///
/// Values of type `Object` are a [OneOrMany] of keys in the order the services came. They hold keys
/// and not entries, so that an endpoint that comes or goes touches `byKey` alone, and several
/// services of one namespace may share an address without displacing each other.
///
/// @param staged endpoints of services that are not known (yet)
record ServiceIndex(
        PersistentMap<NamespacedHostname, ServiceEntry> byKey,
        PersistentMap<NamespacedHostname, Endpoints> staged,
        PersistentMap<String, Object> byHostname,
        PersistentMap<String, PersistentMap<IpAddress, Object>> byVip,
        PersistentMap<String, AddressRanges> byRange) {

    static final ServiceIndex NONE =
            new ServiceIndex(
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty());

    ServiceIndex with(NamespacedHostname key, Service service) {
        ServiceEntry before = byKey.get(key);
        if (before != null && before.service().equals(service)) {
            return this;
        }
        Endpoints known = before != null ? before.endpoints() : staged.get(key);
        Endpoints endpoints =
                (known == null ? Endpoints.NONE : known).sortedFor(service.loadBalancer());
        return new ServiceIndex(
                byKey.with(key, ServiceEntry.of(key, service, endpoints)),
                staged.without(key),
                byHostname.with(service.hostname(), added(byHostname.get(service.hostname()), key)),
                withVips(before == null ? null : before.service(), service, key),
                withRanges(before == null ? null : before.service(), service, key));
    }

    /// Its endpoints are kept for the case that the service comes back.
    ServiceIndex without(NamespacedHostname key) {
        ServiceEntry before = byKey.get(key);
        if (before == null) {
            return this;
        }
        Service service = before.service();
        Object sameName = OneOrMany.removed(byHostname.get(service.hostname()), key);
        return new ServiceIndex(
                byKey.without(key),
                before.endpoints().isEmpty() ? staged : staged.with(key, before.endpoints()),
                sameName == null
                        ? byHostname.without(service.hostname())
                        : byHostname.with(service.hostname(), sameName),
                withVips(service, null, key),
                withRanges(service, null, key));
    }

    Endpoints endpoints(NamespacedHostname key) {
        ServiceEntry entry = byKey.get(key);
        if (entry != null) {
            return entry.endpoints();
        }
        Endpoints waiting = staged.get(key);
        return waiting == null ? Endpoints.NONE : waiting;
    }

    ServiceIndex with(NamespacedHostname key, Endpoints endpoints) {
        ServiceEntry entry = byKey.get(key);
        PersistentMap<NamespacedHostname, ServiceEntry> known = byKey;
        PersistentMap<NamespacedHostname, Endpoints> waiting = staged;
        if (entry != null) {
            known = known.with(entry.key(), entry.with(endpoints));
        } else {
            waiting = endpoints.isEmpty() ? waiting.without(key) : waiting.with(key, endpoints);
        }
        return new ServiceIndex(known, waiting, byHostname, byVip, byRange);
    }

    /// The best service for an address: exact ones first, ranges only where no exact one is
    /// visible.
    ///
    /// @param clientNamespace null where visibility is not enforced
    @Nullable ServiceEntry at(String network, IpAddress ip, @Nullable String clientNamespace) {
        PersistentMap<IpAddress, Object> exact = byVip.get(network);
        if (exact != null) {
            ServiceEntry best = best(exact.get(ip), clientNamespace);
            if (best != null) {
                return best;
            }
        }
        AddressRanges ranges = byRange.get(network);
        ServiceEntry widest = null;
        if (ranges != null) {
            // From short to long prefixes, so a later one is better unless it is of a foreign
            // namespace and an earlier one is not.
            for (PrefixTrie.Node<Object> node = ranges.first(ip);
                    node != null;
                    node = AddressRanges.next(node, ip)) {
                ServiceEntry best = best(node.value(), clientNamespace);
                if (best != null
                        && (widest == null
                                || isOf(best, clientNamespace)
                                || !isOf(widest, clientNamespace))) {
                    widest = best;
                }
            }
        }
        return widest;
    }

    /// In the client's namespace, else the last canonical one, else the first.
    @Nullable ServiceEntry best(@Nullable Object keys, @Nullable String clientNamespace) {
        ServiceEntry first = null;
        ServiceEntry canonical = null;
        int size = OneOrMany.size(keys);
        for (int i = 0; keys != null && i < size; i++) {
            ServiceEntry entry = byKey.get(OneOrMany.<NamespacedHostname>at(keys, i));
            if (entry == null
                    || (clientNamespace != null && !entry.service().visibleTo(clientNamespace))) {
                continue;
            }
            if (isOf(entry, clientNamespace)) {
                return entry;
            }
            first = first == null ? entry : first;
            canonical = entry.service().canonical() ? entry : canonical;
        }
        return canonical != null ? canonical : first;
    }

    private static boolean isOf(ServiceEntry entry, @Nullable String namespace) {
        return namespace != null && entry.service().namespace().equals(namespace);
    }

    private PersistentMap<String, PersistentMap<IpAddress, Object>> withVips(
            @Nullable Service before, @Nullable Service after, NamespacedHostname key) {
        PersistentMap<String, PersistentMap<IpAddress, Object>> index = byVip;
        if (before != null) {
            for (NetworkAddress vip : before.vips()) {
                PersistentMap<IpAddress, Object> network = index.get(vip.network());
                if (network == null || (after != null && after.vips().contains(vip))) {
                    continue;
                }
                Object rest = OneOrMany.removed(network.get(vip.ip()), key);
                network = rest == null ? network.without(vip.ip()) : network.with(vip.ip(), rest);
                index =
                        network.isEmpty()
                                ? index.without(vip.network())
                                : index.with(vip.network(), network);
            }
        }
        if (after != null) {
            for (NetworkAddress vip : after.vips()) {
                PersistentMap<IpAddress, Object> network = index.get(vip.network());
                if (network == null) {
                    network = PersistentMap.empty();
                }
                network = network.with(vip.ip(), added(network.get(vip.ip()), key));
                index = index.with(vip.network(), network);
            }
        }
        return index;
    }

    private PersistentMap<String, AddressRanges> withRanges(
            @Nullable Service before, @Nullable Service after, NamespacedHostname key) {
        PersistentMap<String, AddressRanges> index = byRange;
        if (before != null) {
            for (Service.CidrVip vip : before.cidrVips()) {
                AddressRanges ranges = index.get(vip.network());
                if (ranges != null && (after == null || !after.cidrVips().contains(vip))) {
                    index = index.with(vip.network(), ranges.without(vip.cidr(), key));
                }
            }
        }
        if (after != null) {
            for (Service.CidrVip vip : after.cidrVips()) {
                AddressRanges ranges = index.get(vip.network());
                index =
                        index.with(
                                vip.network(),
                                (ranges == null ? AddressRanges.NONE : ranges)
                                        .with(vip.cidr(), key));
            }
        }
        return index;
    }

    private static Object added(@Nullable Object keys, NamespacedHostname key) {
        return keys != null && OneOrMany.indexOf(keys, key) >= 0
                ? keys
                : OneOrMany.inserted(keys, OneOrMany.size(keys), key);
    }
}
