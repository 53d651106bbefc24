package io.ztunnel.worker;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;

/// The live connections of one slice in one direction. Adding and removing are O(1) and allocate
/// nothing. Confined to the worker's loop.
public final class ConnectionTable {
    private @Nullable LiveConnection first;
    private int size;

    public int size() {
        return size;
    }

    public void add(LiveConnection connection) {
        if (connection.listed) {
            throw new IllegalStateException("a connection is entered once");
        }
        connection.listed = true;
        connection.after = first;
        if (first != null) {
            first.before = connection;
        }
        first = connection;
        size++;
    }

    /// Removing twice is harmless.
    public void remove(LiveConnection connection) {
        if (!connection.listed) {
            return;
        }
        connection.listed = false;
        LiveConnection before = connection.before;
        LiveConnection after = connection.after;
        if (before == null) {
            first = after;
        } else {
            before.after = after;
        }
        if (after != null) {
            after.before = before;
        }
        connection.before = null;
        connection.after = null;
        size--;
    }

    /// Visits all; the visitor may remove the connection it is given.
    public void forEach(Consumer<LiveConnection> visitor) {
        LiveConnection next;
        for (LiveConnection at = first; at != null; at = next) {
            next = at.after;
            visitor.accept(at);
        }
    }
}
