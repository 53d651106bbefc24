package io.ztunnel.observe;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Carries finished lines to standard output on its own thread, `zt-log`.
///
/// The queue is bounded in bytes and a full one **drops** and counts: a stuck log collector must
/// not stop a node's traffic (the reference blocks its data path after 10 000 lines). Access lines
/// are dropped at three quarters, so that what the program itself has to say still gets through.
/// Once there is room again, one WARN line tells how many were lost.
///
/// [#offer] is wait-free but for the wake-up of a sleeping writer; any thread.
public final class LogWriter implements AutoCloseable {
    /// About ten thousand lines.
    static final long DEFAULT_LIMIT = 4L << 20;

    private static final int BATCH = 64 << 10;

    private final OutputStream out;
    private final long limit;
    private final Queue<byte[]> queue = new ConcurrentLinkedQueue<>();
    private final AtomicLong queued = new AtomicLong();
    private final AtomicLong droppedLines = new AtomicLong();
    private final EventLine notice;
    private final Thread thread;
    private volatile boolean parked;
    private volatile boolean closing;
    private volatile boolean idle = true;
    private long reportedDrops;

    public LogWriter(OutputStream out, LogFormat format) {
        this(out, format, DEFAULT_LIMIT);
    }

    LogWriter(OutputStream out, LogFormat format, long limit) {
        this.out = out;
        this.limit = limit;
        notice = new EventLine(format, new LineBuffer(256));
        thread = new Thread(this::run, "zt-log");
        thread.setDaemon(true);
        thread.start();
    }

    /// Hands whole lines over; the array now belongs to the writer.
    ///
    /// @param lines how many there are, for the count of losses
    /// @param access whether they are access lines, which are dropped first
    void offer(byte[] bytes, int lines, boolean access) {
        long bound = access ? limit - limit / 4 : limit;
        if (queued.get() + bytes.length > bound || closing) {
            droppedLines.addAndGet(lines);
            return;
        }
        queued.addAndGet(bytes.length);
        queue.add(bytes);
        if (parked) {
            parked = false;
            LockSupport.unpark(thread);
        }
    }

    /// How many lines were lost since the start.
    public long droppedLines() {
        return droppedLines.get();
    }

    /// Waits until everything offered so far is written.
    ///
    /// @return false where that took longer than the time given
    public boolean flush(long millis) {
        long deadline = System.nanoTime() + millis * 1_000_000;
        while (queued.get() > 0 || !idle) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            LockSupport.unpark(thread);
            LockSupport.parkNanos(200_000);
        }
        return true;
    }

    /// Flushes for at most a second and ends the thread.
    @Override
    public void close() {
        flush(1000);
        closing = true;
        LockSupport.unpark(thread);
    }

    private void run() {
        LineBuffer batch = new LineBuffer(BATCH);
        while (true) {
            idle = false;
            int taken = gather(batch);
            if (taken > 0) {
                write(batch);
                queued.addAndGet(-taken);
                continue;
            }
            tellLosses(batch);
            idle = true;
            if (closing) {
                return;
            }
            parked = true;
            if (queue.isEmpty() && !closing) {
                LockSupport.park(this);
            }
            parked = false;
        }
    }

    private int gather(LineBuffer batch) {
        batch.clear();
        while (batch.length() < BATCH) {
            byte[] next = queue.poll();
            if (next == null) {
                break;
            }
            batch.bytes(next, 0, next.length);
        }
        return batch.length();
    }

    private void tellLosses(LineBuffer batch) {
        long lost = droppedLines.get() - reportedDrops;
        if (lost == 0) {
            return;
        }
        reportedDrops += lost;
        notice.buffer().clear();
        notice.begin(
                Instant.now(),
                LogFilter.Level.WARN.text(),
                "ztunnel::telemetry",
                "log lines were dropped because standard output did not keep up");
        notice.number("lines", lost);
        notice.end();
        batch.clear();
        batch.bytes(notice.buffer().array(), 0, notice.buffer().length());
        write(batch);
    }

    private void write(LineBuffer batch) {
        try {
            out.write(batch.array(), 0, batch.length());
            out.flush();
        } catch (IOException lost) {
            // Nowhere left to complain: what cannot be written is counted, and the next batch
            // tried.
            long lines = 0;
            for (int i = 0; i < batch.length(); i++) {
                lines += batch.array()[i] == '\n' ? 1 : 0;
            }
            droppedLines.addAndGet(lines);
            reportedDrops += lines;
        }
    }
}
