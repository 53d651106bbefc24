package io.ztunnel.mesh.persistent;

import org.jspecify.annotations.Nullable;

/// The value of an index that nearly always has one element: the element itself, or an array of
/// two and more. Saves an object per entry. Null stands for none.
public final class OneOrMany {
    private OneOrMany() {}

    public static int size(@Nullable Object value) {
        return value == null ? 0 : value instanceof Object[] many ? many.length : 1;
    }

    // An index adds values of one type only, and its field says which.
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    public static <T> T at(Object value, int index) {
        return (T) (value instanceof Object[] many ? many[index] : value);
    }

    /// @param at 0 to the size
    public static Object inserted(@Nullable Object value, int at, Object element) {
        if (value == null) {
            return element;
        }
        int size = size(value);
        Object[] many = new Object[size + 1];
        for (int i = 0, from = 0; i <= size; i++) {
            many[i] = i == at ? element : at(value, from++);
        }
        return many;
    }

    /// Without the first element that is equal to the given one.
    public static @Nullable Object removed(@Nullable Object value, Object element) {
        int size = size(value);
        int at = indexOf(value, element);
        if (value == null || at < 0) {
            return value;
        }
        if (size <= 2) {
            return size == 1 ? null : at(value, 1 - at);
        }
        Object[] many = new Object[size - 1];
        for (int i = 0, to = 0; i < size; i++) {
            if (i != at) {
                many[to++] = at(value, i);
            }
        }
        return many;
    }

    public static int indexOf(@Nullable Object value, Object element) {
        int size = size(value);
        for (int i = 0; i < size; i++) {
            if (value != null && OneOrMany.<Object>at(value, i).equals(element)) {
                return i;
            }
        }
        return -1;
    }
}
