package io.ztunnel.identity;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// What the book tells operators.
final class BookLog {
    private static final Logger LOG = LoggerFactory.getLogger(CertificateBook.class);

    private BookLog() {}

    static void issued(BookEntry entry) {
        LOG.debug("certificate for {} issued, next at {}", entry.identity, entry.due);
    }

    /// The first, second, fourth, ... of a row: an outage is news once, not 500 times a minute.
    ///
    /// @param held what is still in use
    static void failed(BookEntry entry, @Nullable HeldCertificate held, String remedy) {
        boolean news = Integer.bitCount(entry.failuresInARow) == 1;
        LOG.atLevel(news ? Level.WARN : Level.DEBUG)
                .log(
                        "no certificate for {} (held until {}), try {}, next at {}: {} {}",
                        entry.identity,
                        held == null ? "-" : held.notAfter(),
                        entry.failuresInARow,
                        entry.due,
                        entry.failure,
                        remedy);
    }

    static void expiring(BookEntry entry, HeldCertificate held) {
        LOG.error(
                "certificate of {} expires at {} and could not be renewed {} times: {}",
                entry.identity,
                held.notAfter(),
                entry.failuresInARow,
                entry.failure);
    }

    static void expired(BookEntry entry, HeldCertificate held) {
        LOG.error(
                "certificate of {} has expired at {}, connections fail: {}",
                entry.identity,
                held.notAfter(),
                entry.failure);
    }
}
