package io.ztunnel.mesh.persistent;

import org.jspecify.annotations.Nullable;

import java.util.function.BiConsumer;

/// One node of a [PersistentMap]: which of its 32 branches hold an entry, which a child, and both
/// in one array: `key, value, key, value, ..., child, child`.
///
/// Seven levels use up the 32 bits of a hash; below them a node without bits lists the entries
/// whose hashes are equal.
final class HashNode {
    private static final int BITS = 5;
    private static final int LAST_SHIFT = 30;

    private final int entries;
    private final int children;
    private final Object[] slots;

    HashNode(int entries, int children, Object[] slots) {
        this.entries = entries;
        this.children = children;
        this.slots = slots;
    }

    @Nullable Object find(Object key, int hash) {
        HashNode node = this;
        for (int shift = 0; shift <= LAST_SHIFT; shift += BITS) {
            int bit = 1 << (hash >>> shift);
            if ((node.entries & bit) != 0) {
                int at = 2 * Integer.bitCount(node.entries & (bit - 1));
                return node.slots[at].equals(key) ? node.slots[at + 1] : null;
            }
            if ((node.children & bit) == 0) {
                return null;
            }
            node = node.child(bit);
        }
        int at = node.indexOf(key);
        return at < 0 ? null : node.slots[at + 1];
    }

    HashNode with(Object key, Object value, int hash, int shift) {
        if (shift > LAST_SHIFT) {
            int at = indexOf(key);
            return at < 0
                    ? new HashNode(0, 0, inserted(slots, slots.length, key, value))
                    : replaced(at, key, value);
        }
        int bit = 1 << (hash >>> shift);
        int at = 2 * Integer.bitCount(entries & (bit - 1));
        if ((children & bit) != 0) {
            return withChild(bit, child(bit).with(key, value, hash, shift + BITS));
        }
        if ((entries & bit) == 0) {
            return new HashNode(entries | bit, children, inserted(slots, at, key, value));
        }
        if (slots[at].equals(key)) {
            return replaced(at, key, value);
        }
        HashNode pair =
                new HashNode(0, 0, new Object[0])
                        .with(slots[at], slots[at + 1], hashOf(slots[at]), shift + BITS)
                        .with(key, value, hash, shift + BITS);
        Object[] moved = new Object[slots.length - 1];
        int childAt = childIndex(bit);
        System.arraycopy(slots, 0, moved, 0, at);
        System.arraycopy(slots, at + 2, moved, at, childAt - at - 2);
        moved[childAt - 2] = pair;
        System.arraycopy(slots, childAt, moved, childAt - 1, slots.length - childAt);
        return new HashNode(entries & ~bit, children | bit, moved);
    }

    /// The key must be present.
    HashNode without(Object key, int hash, int shift) {
        if (shift > LAST_SHIFT) {
            return new HashNode(0, 0, removed(slots, indexOf(key), 2));
        }
        int bit = 1 << (hash >>> shift);
        if ((entries & bit) != 0) {
            int at = 2 * Integer.bitCount(entries & (bit - 1));
            return new HashNode(entries & ~bit, children, removed(slots, at, 2));
        }
        HashNode rest = child(bit).without(key, hash, shift + BITS);
        if (rest.slots.length != 2 || rest.children != 0) {
            return withChild(bit, rest);
        }
        // A single entry moves up, so that equal maps keep one shape however they came about.
        int at = 2 * Integer.bitCount(entries & (bit - 1));
        Object[] without = removed(slots, childIndex(bit), 1);
        return new HashNode(
                entries | bit,
                children & ~bit,
                inserted(without, at, rest.slots[0], rest.slots[1]));
    }

    void forEach(BiConsumer<Object, Object> action) {
        int childCount = Integer.bitCount(children);
        int end = slots.length - childCount;
        for (int i = 0; i < end; i += 2) {
            action.accept(slots[i], slots[i + 1]);
        }
        for (int i = end; i < slots.length; i++) {
            ((HashNode) slots[i]).forEach(action);
        }
    }

    private HashNode child(int bit) {
        return (HashNode) slots[childIndex(bit)];
    }

    private int childIndex(int bit) {
        return 2 * Integer.bitCount(entries) + Integer.bitCount(children & (bit - 1));
    }

    private HashNode withChild(int bit, HashNode child) {
        Object[] copy = slots.clone();
        copy[childIndex(bit)] = child;
        return new HashNode(entries, children, copy);
    }

    private HashNode replaced(int at, Object key, Object value) {
        Object[] copy = slots.clone();
        copy[at] = key;
        copy[at + 1] = value;
        return new HashNode(entries, children, copy);
    }

    private int indexOf(Object key) {
        for (int i = 0; i < slots.length; i += 2) {
            if (slots[i].equals(key)) {
                return i;
            }
        }
        return -1;
    }

    private static int hashOf(Object key) {
        return PersistentMap.spread(key);
    }

    private static Object[] inserted(Object[] slots, int at, Object key, Object value) {
        Object[] copy = new Object[slots.length + 2];
        System.arraycopy(slots, 0, copy, 0, at);
        copy[at] = key;
        copy[at + 1] = value;
        System.arraycopy(slots, at, copy, at + 2, slots.length - at);
        return copy;
    }

    private static Object[] removed(Object[] slots, int at, int count) {
        Object[] copy = new Object[slots.length - count];
        System.arraycopy(slots, 0, copy, 0, at);
        System.arraycopy(slots, at + count, copy, at, copy.length - at);
        return copy;
    }
}
