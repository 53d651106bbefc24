package io.ztunnel.identity;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;

/// Numbers about our certificates, for whoever exports them. A snapshot.
///
/// @param managed identities in the book
/// @param available of these, with a valid certificate
/// @param failing of these, whose last request failed
/// @param inFlight calls to the CA under way
/// @param queued due and waiting for a free slot
/// @param waiting connections that wait for a certificate
/// @param issued certificates received since the start
/// @param failures failed requests since the start
/// @param requestTime total time of all finished calls since the start
/// @param earliestExpiry of all valid certificates; null without any
/// @param oldestIssue start of the oldest valid certificate; null without any
public record BookStats(
        int managed,
        int available,
        int failing,
        int inFlight,
        int queued,
        int waiting,
        long issued,
        long failures,
        Duration requestTime,
        @Nullable Instant earliestExpiry,
        @Nullable Instant oldestIssue) {

    /// On the book's thread.
    static BookStats of(
            Collection<BookEntry> entries,
            Instant now,
            int inFlight,
            long issued,
            long failures,
            Duration requestTime) {
        int available = 0;
        int failing = 0;
        int queued = 0;
        int waiting = 0;
        Instant expiry = null;
        Instant oldest = null;
        for (BookEntry entry : entries) {
            HeldCertificate held = entry.validAt(now);
            if (held != null) {
                available++;
                expiry = earlier(expiry, held.notAfter());
                oldest = earlier(oldest, held.notBefore());
            }
            failing += entry.failure == null ? 0 : 1;
            queued += !entry.inFlight && !entry.due.isAfter(now) ? 1 : 0;
            waiting += entry.waiters.size();
        }
        return new BookStats(
                entries.size(),
                available,
                failing,
                inFlight,
                queued,
                waiting,
                issued,
                failures,
                requestTime,
                expiry,
                oldest);
    }

    private static Instant earlier(@Nullable Instant one, Instant other) {
        return one == null || other.isBefore(one) ? other : one;
    }
}
