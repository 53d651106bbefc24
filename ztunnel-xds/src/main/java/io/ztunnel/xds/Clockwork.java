package io.ztunnel.xds;

import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/// What drives a client: its one thread, its clock and its dice, passed in so that a test can turn
/// them by hand.
///
/// @param owner single-threaded; everything of the client and of its sinks runs here. Give it the
///     thread that owns the state, then each resource goes from the wire into the state without a
///     stop in between
/// @param nanoTime as [System#nanoTime]
public record Clockwork(
        ScheduledExecutorService owner, LongSupplier nanoTime, RandomGenerator dice) {}
