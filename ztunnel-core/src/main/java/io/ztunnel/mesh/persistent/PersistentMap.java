package io.ztunnel.mesh.persistent;

import org.jspecify.annotations.Nullable;

import java.util.function.BiConsumer;

/// An immutable hash map with structural sharing (a compressed hash-array mapped prefix trie).
///
/// Lookup reads at most seven small arrays and allocates nothing; a change copies those arrays. One
/// entry costs about 14 bytes beside its key and value. Why not a library: docs/adr, "Persistent
/// maps". Safe to read from any thread; iteration order depends on hashes only.
public final class PersistentMap<K, V> {
    private static final PersistentMap<Object, Object> EMPTY =
            new PersistentMap<>(new HashNode(0, 0, new Object[0]), 0);

    private final HashNode root;
    private final int size;

    private PersistentMap(HashNode root, int size) {
        this.root = root;
        this.size = size;
    }

    @SuppressWarnings("unchecked") // holds nothing, so it holds nothing of a wrong type
    public static <K, V> PersistentMap<K, V> empty() {
        return (PersistentMap<K, V>) EMPTY;
    }

    @SuppressWarnings("unchecked") // only with() puts values in
    public @Nullable V get(K key) {
        return (V) root.find(key, spread(key));
    }

    /// This map with one entry added or replaced. The key object of an existing entry is replaced
    /// too, so that a key which belongs to its value does not outlive it.
    public PersistentMap<K, V> with(K key, V value) {
        int hash = spread(key);
        boolean known = root.find(key, hash) != null;
        return new PersistentMap<>(root.with(key, value, hash, 0), known ? size : size + 1);
    }

    /// This map without one entry; the same map where the key is unknown.
    public PersistentMap<K, V> without(K key) {
        int hash = spread(key);
        if (root.find(key, hash) == null) {
            return this;
        }
        return size == 1 ? empty() : new PersistentMap<>(root.without(key, hash, 0), size - 1);
    }

    public int size() {
        return size;
    }

    public boolean isEmpty() {
        return size == 0;
    }

    @SuppressWarnings("unchecked") // only with() puts entries in
    public void forEach(BiConsumer<? super K, ? super V> action) {
        root.forEach((BiConsumer<Object, Object>) (BiConsumer<?, ?>) action);
    }

    /// The hash of a key with its upper bits folded into the lower ones, which the trie uses first.
    static int spread(Object key) {
        int hash = key.hashCode();
        hash = (hash ^ (hash >>> 15)) * 0x2c1b_3c6d;
        return hash ^ (hash >>> 13);
    }
}
