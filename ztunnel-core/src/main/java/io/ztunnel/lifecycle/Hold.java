package io.ztunnel.lifecycle;

import java.util.concurrent.atomic.AtomicBoolean;

/// Something that is held until it is closed. Closing twice is closing once; any thread may close.
public final class Hold implements AutoCloseable {
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Runnable release;

    Hold(Runnable release) {
        this.release = release;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            release.run();
        }
    }
}
