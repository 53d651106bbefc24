package io.ztunnel.observe;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// The counters of one traffic label set on one worker.
///
/// Written by the worker's loop alone, read by a scrape on another thread: stores and loads are
/// opaque, which costs nothing on the way of the bytes and never shows half a number.
final class TrafficSeries {
    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

    static final int OPENED = 0;
    static final int RECEIVED = 1;
    static final int SENT = 2;
    static final int CLOSED = 3;
    static final int FAILED = CLOSED + ResponseFlag.COUNT;
    static final int CELLS = FAILED + ResponseFlag.COUNT;

    private final long[] cells = new long[CELLS];

    void add(int cell, long amount) {
        CELL.setOpaque(cells, cell, cells[cell] + amount);
    }

    /// Adds all counters to a sum of the same shape. Any thread.
    void addTo(long[] sum) {
        for (int i = 0; i < CELLS; i++) {
            sum[i] += (long) CELL.getOpaque(cells, i);
        }
    }
}
