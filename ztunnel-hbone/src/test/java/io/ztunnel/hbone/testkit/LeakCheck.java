package io.ztunnel.hbone.testkit;

import io.netty.buffer.AbstractByteBuf;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.reflect.Field;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Fails a test, or at the latest its class, when a Netty buffer was let go without `release`.
///
/// Use as `@ExtendWith(LeakCheck.class)`. A leak is only seen once its buffer was collected, so
/// the end of a class asks for a collection. Leaks that were made at one place are reported once
/// per JVM.
public final class LeakCheck implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {

    private static final Queue<String> LEAKS = new ConcurrentLinkedQueue<>();

    /// Stays empty; waiting on it gives the collector's thread its time.
    private static final ReferenceQueue<Object> PROBED = new ReferenceQueue<>();

    static {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        listen();
    }

    /// The detector of buffers is made when buffers are first used, maybe long before us, and has
    /// no public door.
    private static void listen() {
        try {
            Field field = AbstractByteBuf.class.getDeclaredField("leakDetector");
            field.setAccessible(true);
            ResourceLeakDetector<?> detector = ResourceLeakDetector.class.cast(field.get(null));
            detector.setLeakListener((type, records) -> LEAKS.add(type + records));
        } catch (ReflectiveOperationException changed) {
            throw new ExceptionInInitializerError(changed);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        LEAKS.clear();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        fail(context);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        collect();
        fail(context);
    }

    /// Leaks seen since the last call.
    static int collectAndCount() {
        collect();
        int seen = LEAKS.size();
        LEAKS.clear();
        return seen;
    }

    /// A collection, and a new buffer: leaks are reported when the next one is tracked.
    private static void collect() {
        System.gc();
        try {
            // References are enqueued by another thread, some time after the collection.
            Reference<?> seen = PROBED.remove(50);
            while (seen != null) {
                seen = PROBED.poll();
            }
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        }
        for (int i = 0; i < 8; i++) {
            ByteBuf probe = ByteBufAllocator.DEFAULT.buffer(1);
            probe.release();
        }
    }

    private static void fail(ExtensionContext context) {
        StringBuilder all = new StringBuilder();
        for (String leak = LEAKS.poll(); leak != null; leak = LEAKS.poll()) {
            all.append('\n').append(leak);
        }
        if (!all.isEmpty()) {
            throw new AssertionError("buffers leaked in " + context.getDisplayName() + ":" + all);
        }
    }
}
