package io.ztunnel.identity;

import io.ztunnel.identity.CertificateSource.Receiver;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/// What the book knows of one identity. Owned by the book's thread.
final class BookEntry {
    private static final Logger LOG = LoggerFactory.getLogger(BookEntry.class);

    /// The most urgent first; of equals the one that is due longer, then the one that came first.
    static final Comparator<BookEntry> BY_URGENCY =
            Comparator.comparing((BookEntry entry) -> entry.priority)
                    .reversed()
                    .thenComparing(entry -> entry.due)
                    .thenComparingLong(entry -> entry.order);

    /// The one that is due first; no two are equal.
    static final Comparator<BookEntry> BY_DUE =
            Comparator.comparing((BookEntry entry) -> entry.due)
                    .thenComparingLong(entry -> entry.order);

    /// Somebody who waits.
    record Waiter(Executor loop, Receiver receiver) {
        void give(HeldCertificate certificate) {
            tell(() -> receiver.onCertificate(certificate));
        }

        void refuse(String text) {
            tell(() -> receiver.onFailure(text));
        }

        /// A loop that has ended has no connection left that could wait.
        private void tell(Runnable news) {
            try {
                loop.execute(news);
            } catch (RejectedExecutionException ended) {
                LOG.debug("answer for a loop that has ended dropped");
            }
        }
    }

    final SpiffeId identity;
    final List<Waiter> waiters = new ArrayList<>(1);

    /// How urgent the next request is; once it is due, that alone decides.
    Priority priority;

    Instant due;
    long order;
    boolean inFlight;

    /// The last one issued, also after it has expired.
    @Nullable HeldCertificate held;

    /// Of the last request; null when that succeeded.
    @Nullable String failure;

    int failuresInARow;

    @Nullable Instant lastTry;

    /// When it goes, if nobody wants it until then; null while a pod has it.
    @Nullable Instant forgetAt;

    boolean alarmed;

    BookEntry(SpiffeId identity, Priority priority, Instant due, long order) {
        this.identity = identity;
        this.priority = priority;
        this.due = due;
        this.order = order;
    }

    @Nullable HeldCertificate validAt(Instant now) {
        HeldCertificate certificate = held;
        return certificate == null || certificate.expired(now) ? null : certificate;
    }

    String state(Instant now) {
        if (validAt(now) != null) {
            return "Available";
        }
        if (failure != null) {
            return "Unavailable: " + failure;
        }
        return "Initializing";
    }

    void giveAll(HeldCertificate certificate) {
        waiters.forEach(waiter -> waiter.give(certificate));
        waiters.clear();
    }

    void refuseAll(String text) {
        waiters.forEach(waiter -> waiter.refuse(text));
        waiters.clear();
    }
}
