package io.ztunnel.mesh;

import io.ztunnel.mesh.persistent.OneOrMany;
import io.ztunnel.mesh.persistent.PrefixTrie;

import org.jspecify.annotations.Nullable;

/// The CIDR addresses of the services of one network: a prefix trie per family, each prefix with
/// the keys of its services in the order they came.
record AddressRanges(PrefixTrie<Object> v4, PrefixTrie<Object> v6) {
    static final AddressRanges NONE = new AddressRanges(PrefixTrie.empty(), PrefixTrie.empty());

    AddressRanges with(Cidr range, NamespacedHostname key) {
        Object keys = get(range);
        return OneOrMany.indexOf(keys, key) >= 0
                ? this
                : put(range, OneOrMany.inserted(keys, OneOrMany.size(keys), key));
    }

    AddressRanges without(Cidr range, NamespacedHostname key) {
        return put(range, OneOrMany.removed(get(range), key));
    }

    PrefixTrie.@Nullable Node<Object> first(IpAddress address) {
        return (address.isV6() ? v6 : v4).first(high(address), low(address));
    }

    static PrefixTrie.@Nullable Node<Object> next(PrefixTrie.Node<Object> node, IpAddress address) {
        return node.next(high(address), low(address));
    }

    private @Nullable Object get(Cidr range) {
        IpAddress base = range.base();
        return (base.isV6() ? v6 : v4).get(high(base), low(base), range.prefixLength());
    }

    private AddressRanges put(Cidr range, @Nullable Object keys) {
        IpAddress base = range.base();
        int length = range.prefixLength();
        return base.isV6()
                ? new AddressRanges(v4, v6.with(high(base), low(base), length, keys))
                : new AddressRanges(v4.with(high(base), low(base), length, keys), v6);
    }

    private static long high(IpAddress address) {
        return address.isV6() ? address.high() : address.low() << 32;
    }

    private static long low(IpAddress address) {
        return address.isV6() ? address.low() : 0;
    }
}
