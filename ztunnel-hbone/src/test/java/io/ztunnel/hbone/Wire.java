package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;

import java.util.concurrent.TimeUnit;

/// Two embedded channels whose outputs are each other's inputs; time stands still unless moved.
final class Wire implements AutoCloseable {

    final EmbeddedChannel left;
    final EmbeddedChannel right;

    Wire() {
        left = new EmbeddedChannel();
        right = new EmbeddedChannel();
        left.freezeTime();
        right.freezeTime();
    }

    /// Carries bytes both ways until nothing moves, at most `step` bytes at a time.
    void carry(int step) {
        boolean moved = true;
        while (moved) {
            left.runPendingTasks();
            right.runPendingTasks();
            boolean there = carry(left, right, step);
            boolean back = carry(right, left, step);
            moved = there || back;
        }
    }

    void carry() {
        carry(Integer.MAX_VALUE);
    }

    private static boolean carry(EmbeddedChannel from, EmbeddedChannel to, int step) {
        ByteBuf all = drain(from);
        if (!all.isReadable()) {
            all.release();
            if (!from.isOpen() && to.isOpen()) {
                to.close();
                return true;
            }
            return false;
        }
        while (all.isReadable()) {
            int size = Math.min(step, all.readableBytes());
            ByteBuf piece = to.alloc().buffer(size).writeBytes(all, size);
            if (to.isOpen()) {
                to.writeInbound(piece);
            } else {
                piece.release();
            }
        }
        all.release();
        return true;
    }

    /// Everything that a channel has written so far.
    static ByteBuf drain(EmbeddedChannel channel) {
        ByteBuf all = Unpooled.buffer();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            all.writeBytes(part);
            part.release();
        }
        return all;
    }

    void pass(long millis) {
        left.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        right.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        left.runScheduledPendingTasks();
        right.runScheduledPendingTasks();
        carry();
    }

    @Override
    public void close() {
        left.finishAndReleaseAll();
        right.finishAndReleaseAll();
    }
}
