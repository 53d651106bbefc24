package io.ztunnel.identity;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.TreeSet;

/// Entries that wait for their time or for a free slot. The due time and order of an entry change
/// only while it is not in here. Owned by the book's thread.
final class BookQueue {
    private final TreeSet<BookEntry> byDue = new TreeSet<>(BookEntry.BY_DUE);

    void add(BookEntry entry) {
        byDue.add(entry);
    }

    void remove(BookEntry entry) {
        byDue.remove(entry);
    }

    /// Of those that are due; null when none is.
    @Nullable BookEntry mostUrgent(Instant now) {
        BookEntry best = null;
        for (BookEntry entry : byDue) {
            if (entry.due.isAfter(now)) {
                break;
            }
            if (best == null || BookEntry.BY_URGENCY.compare(entry, best) < 0) {
                best = entry;
            }
        }
        return best;
    }

    /// When the next one that is not due yet will be; [Instant#MAX] without any.
    Instant dueAfter(Instant now) {
        for (BookEntry entry : byDue) {
            if (entry.due.isAfter(now)) {
                return entry.due;
            }
        }
        return Instant.MAX;
    }
}
