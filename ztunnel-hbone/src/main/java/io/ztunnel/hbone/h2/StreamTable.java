package io.ztunnel.hbone.h2;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/// Streams by id: open addressing on primitive keys, because a map of boxed ids would cost an
/// object per lookup of every frame. Ids are positive. Not for concurrent use.
public final class StreamTable<S> {

    private static final int SMALLEST = 8;

    private int[] ids = new int[SMALLEST];
    private @Nullable Object[] streams = new @Nullable Object[SMALLEST];
    private int size;

    public int size() {
        return size;
    }

    @SuppressWarnings("unchecked") // only put stores
    public @Nullable S get(int id) {
        int mask = ids.length - 1;
        for (int at = slot(id, mask); ids[at] != 0; at = at + 1 & mask) {
            if (ids[at] == id) {
                return (S) streams[at];
            }
        }
        return null;
    }

    /// Enters a stream whose id is not in the table.
    public void put(int id, S stream) {
        if (2 * (size + 1) > ids.length) {
            resize(ids.length * 2);
        }
        insert(id, stream);
        size++;
    }

    private void insert(int id, Object stream) {
        int mask = ids.length - 1;
        int at = slot(id, mask);
        while (ids[at] != 0) {
            at = at + 1 & mask;
        }
        ids[at] = id;
        streams[at] = stream;
    }

    /// True when the id was there.
    public boolean remove(int id) {
        int mask = ids.length - 1;
        int at = slot(id, mask);
        while (ids[at] != id) {
            if (ids[at] == 0) {
                return false;
            }
            at = at + 1 & mask;
        }
        size--;
        // Close the gap: move back whoever could not sit in its own slot because of us.
        int gap = at;
        for (int next = gap + 1 & mask; ids[next] != 0; next = next + 1 & mask) {
            int home = slot(ids[next], mask);
            if ((next - home & mask) >= (next - gap & mask)) {
                ids[gap] = ids[next];
                streams[gap] = streams[next];
                gap = next;
            }
        }
        ids[gap] = 0;
        streams[gap] = null;
        if (ids.length > SMALLEST && size * 8 < ids.length) {
            resize(ids.length / 2);
        }
        return true;
    }

    /// All streams at this moment, in no order; the caller may change the table meanwhile.
    @SuppressWarnings("unchecked") // only put stores
    public S[] toArray(S[] empty) {
        S[] all = Arrays.copyOf(empty, size);
        int count = 0;
        for (Object stream : streams) {
            if (stream != null) {
                all[count++] = (S) stream;
            }
        }
        return all;
    }

    private void resize(int capacity) {
        int[] oldIds = ids;
        @Nullable Object[] oldStreams = streams;
        ids = new int[capacity];
        streams = new @Nullable Object[capacity];
        for (int i = 0; i < oldIds.length; i++) {
            Object stream = oldStreams[i];
            if (stream != null) {
                insert(oldIds[i], stream);
            }
        }
    }

    /// Ids are consecutive odd numbers, so that their halves fill the slots evenly.
    private static int slot(int id, int mask) {
        return id >>> 1 & mask;
    }
}
