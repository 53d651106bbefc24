package io.ztunnel.identity;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;

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
        @Nullable Instant oldestIssue) {}
