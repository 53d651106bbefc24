package io.ztunnel.mesh.persistent;

import org.jspecify.annotations.Nullable;

/// An immutable binary trie over bit prefixes of up to 128 bits, with chains of single branches
/// left out. All prefixes that cover a key are found on one path, at most 128 steps and in practice
/// a handful; looking allocates nothing, a change copies that path.
///
/// Keys are 128 bits in two longs, the first bit being the highest of `high`. Shorter keys (IPv4)
/// are aligned to the left and live in a trie of their own.
public final class PrefixTrie<V> {
    private static final PrefixTrie<Object> EMPTY = new PrefixTrie<>(null);

    private final @Nullable Node<V> root;

    private PrefixTrie(@Nullable Node<V> root) {
        this.root = root;
    }

    @SuppressWarnings("unchecked") // holds nothing, so it holds nothing of a wrong type
    public static <V> PrefixTrie<V> empty() {
        return (PrefixTrie<V>) EMPTY;
    }

    /// The shortest prefix that covers the key, or null; go on with [Node#next].
    public @Nullable Node<V> first(long high, long low) {
        return root != null && root.covers(high, low) ? root : null;
    }

    /// The value of exactly this prefix.
    public @Nullable V get(long high, long low, int length) {
        for (Node<V> node = first(high, low);
                node != null && node.length <= length;
                node = node.next(high, low)) {
            if (node.length == length) {
                return node.value;
            }
        }
        return null;
    }

    /// @param value null to remove the prefix
    public PrefixTrie<V> with(long high, long low, int length, @Nullable V value) {
        long maskedHigh = high & highMask(length);
        long maskedLow = low & lowMask(length);
        return new PrefixTrie<>(put(root, maskedHigh, maskedLow, length, value));
    }

    private static <V> @Nullable Node<V> put(
            @Nullable Node<V> node, long high, long low, int length, @Nullable V value) {
        if (node == null) {
            return value == null ? null : new Node<>(high, low, length, value, null, null);
        }
        int common = Math.min(Math.min(node.length, length), common(node, high, low));
        if (common == node.length && common == length) {
            return node(high, low, length, value, node.zero, node.one);
        }
        if (common == node.length) {
            boolean one = bit(high, low, common);
            Node<V> child = put(one ? node.one : node.zero, high, low, length, value);
            return node(
                    node.high,
                    node.low,
                    node.length,
                    node.value,
                    one ? node.zero : child,
                    one ? child : node.one);
        }
        if (value == null) {
            return node;
        }
        if (common == length) {
            boolean one = bit(node.high, node.low, common);
            return new Node<>(high, low, length, value, one ? null : node, one ? node : null);
        }
        Node<V> leaf = new Node<>(high, low, length, value, null, null);
        boolean one = bit(high, low, common);
        return new Node<>(
                high & highMask(common),
                low & lowMask(common),
                common,
                null,
                one ? node : leaf,
                one ? leaf : node);
    }

    /// A node that still has a reason to exist, or what replaces it.
    private static <V> @Nullable Node<V> node(
            long high,
            long low,
            int length,
            @Nullable V value,
            @Nullable Node<V> zero,
            @Nullable Node<V> one) {
        if (value == null && (zero == null || one == null)) {
            return zero == null ? one : zero;
        }
        return new Node<>(high, low, length, value, zero, one);
    }

    private static int common(Node<?> node, long high, long low) {
        long difference = node.high ^ high;
        return difference != 0
                ? Long.numberOfLeadingZeros(difference)
                : 64 + Long.numberOfLeadingZeros(node.low ^ low);
    }

    private static boolean bit(long high, long low, int index) {
        return ((index < 64 ? high >>> (63 - index) : low >>> (127 - index)) & 1) != 0;
    }

    private static long highMask(int length) {
        return length == 0 ? 0 : -1L << (64 - Math.min(length, 64));
    }

    private static long lowMask(int length) {
        return length <= 64 ? 0 : -1L << (128 - length);
    }

    /// One prefix on the way from the root; it may carry a value or only divide two others.
    public static final class Node<V> {
        private final long high;
        private final long low;
        private final int length;
        private final @Nullable V value;
        private final @Nullable Node<V> zero;
        private final @Nullable Node<V> one;

        private Node(
                long high,
                long low,
                int length,
                @Nullable V value,
                @Nullable Node<V> zero,
                @Nullable Node<V> one) {
            this.high = high;
            this.low = low;
            this.length = length;
            this.value = value;
            this.zero = zero;
            this.one = one;
        }

        public @Nullable V value() {
            return value;
        }

        /// In bits.
        public int length() {
            return length;
        }

        /// The next longer prefix that covers the key.
        public @Nullable Node<V> next(long high, long low) {
            if (length >= 128) {
                return null;
            }
            Node<V> child = bit(high, low, length) ? one : zero;
            return child != null && child.covers(high, low) ? child : null;
        }

        private boolean covers(long keyHigh, long keyLow) {
            return ((keyHigh ^ high) & highMask(length)) == 0
                    && ((keyLow ^ low) & lowMask(length)) == 0;
        }
    }
}
