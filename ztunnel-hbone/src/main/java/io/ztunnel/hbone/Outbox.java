package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.Setting;

import org.jspecify.annotations.Nullable;

/// Decides whose DATA goes next, and writes it.
///
/// Deficit round robin with two lists: streams that just got something to send come first, those
/// that had their turn wait in the round. A stream pays for a whole buffer at once and then sits
/// out as many rounds as it overdrew, so buffers need no cutting to be fair. Nothing is written
/// while the channel is full: what waits here can still be overtaken by a small message, what is
/// in the channel cannot.
final class Outbox {

    /// A frame of this size and its header fill four TLS records.
    static final int LARGEST_FRAME = 64 * 1024 - FrameWriter.HEADER_BYTES;

    /// Payload up to this size is copied behind its header: cheaper than a second buffer.
    private static final int COPY_LIMIT = 1024;

    private final ChannelHandlerContext context;
    private final Channel channel;
    private final int quantum;

    private int connectionWindow = Setting.DEFAULT_WINDOW;
    private int frameLimit = Setting.DEFAULT_MAX_FRAME;

    private @Nullable Stream freshHead;
    private @Nullable Stream freshTail;
    private @Nullable Stream roundHead;
    private @Nullable Stream roundTail;
    private int epoch = 1;
    private boolean draining;
    private long dataFrames;

    Outbox(ChannelHandlerContext context, int quantum) {
        this.context = context;
        this.channel = context.channel();
        this.quantum = quantum;
    }

    void peerMaxFrame(int bytes) {
        frameLimit = Math.min(bytes, LARGEST_FRAME);
    }

    int connectionWindow() {
        return connectionWindow;
    }

    /// False when the window would exceed 2^31-1 (RFC 9113 section 6.9.1).
    boolean grow(int increment) {
        if ((long) connectionWindow + increment > Integer.MAX_VALUE) {
            return false;
        }
        connectionWindow += increment;
        return true;
    }

    /// DATA frames written so far; each invites WINDOW_UPDATE frames.
    long dataFrames() {
        return dataFrames;
    }

    /// The stream has got data or window.
    void activate(Stream stream) {
        if (stream.scheduled != Stream.NOT_SCHEDULED || !stream.sendable()) {
            return;
        }
        if (stream.epoch != epoch) {
            // Debts of an earlier rush hour are forgiven.
            stream.epoch = epoch;
            stream.deficit = quantum;
        }
        if (stream.deficit > 0) {
            appendFresh(stream);
        } else {
            appendRound(stream);
        }
    }

    /// Writes while streams, windows and the channel allow. True when something was written that
    /// is not flushed yet.
    boolean drain() {
        if (draining) {
            return false;
        }
        draining = true;
        boolean unflushed = false;
        try {
            while (connectionWindow > 0) {
                if (!channel.isWritable()) {
                    if (!unflushed) {
                        break;
                    }
                    // The socket may take it all, and then there is room again.
                    context.flush();
                    unflushed = false;
                    continue;
                }
                Stream stream = freshHead;
                boolean fresh = stream != null;
                if (stream == null) {
                    stream = roundHead;
                }
                if (stream == null) {
                    epoch++;
                    break;
                }
                pop(fresh);
                unflushed |= serve(stream, fresh);
            }
        } finally {
            draining = false;
        }
        return unflushed;
    }

    private boolean serve(Stream stream, boolean fresh) {
        if (!stream.sendable()) {
            return false;
        }
        if (stream.deficit <= 0) {
            stream.deficit += quantum;
            appendRound(stream);
            return false;
        }
        int bytes = writeData(stream);
        stream.deficit -= bytes;
        if (stream.closed()) {
            return true;
        }
        if (stream.sendable()) {
            if (stream.deficit > 0) {
                pushFront(stream, fresh);
            } else {
                appendRound(stream);
            }
        } else if (fresh) {
            // Holds a place in the round, so that a stream that always has a little cannot keep
            // the round waiting.
            appendRound(stream);
        }
        stream.relieve();
        return true;
    }

    private int writeData(Stream stream) {
        ByteBuf head = stream.head();
        int size = head.readableBytes();
        int bytes =
                Math.min(Math.min(size, frameLimit), Math.min(stream.sendWindow, connectionWindow));
        boolean whole = bytes == size;
        boolean end = stream.finishing() && stream.queued() == bytes;
        connectionWindow -= bytes;
        dataFrames++;
        int id = stream.id();
        int start = head.readerIndex();
        if (whole
                && start >= FrameWriter.HEADER_BYTES
                && head.refCnt() == 1
                && !head.isReadOnly()) {
            int at = start - FrameWriter.HEADER_BYTES;
            FrameWriter.setDataHeader(head, at, id, bytes, end);
            stream.sent(bytes, true);
            write(head.readerIndex(at));
        } else if (bytes <= COPY_LIMIT) {
            ByteBuf frame = context.alloc().ioBuffer(FrameWriter.HEADER_BYTES + bytes);
            FrameWriter.dataHeader(frame, id, bytes, end);
            frame.writeBytes(head, bytes);
            stream.sent(bytes, whole);
            if (whole) {
                head.release();
            }
            write(frame);
        } else {
            ByteBuf header = context.alloc().ioBuffer(FrameWriter.HEADER_BYTES);
            FrameWriter.dataHeader(header, id, bytes, end);
            ByteBuf payload = whole ? head : head.readRetainedSlice(bytes);
            stream.sent(bytes, whole);
            write(header);
            write(payload);
        }
        if (end) {
            stream.outputEnded();
        }
        return bytes;
    }

    private void write(ByteBuf frame) {
        context.write(frame, context.voidPromise());
    }

    private void pop(boolean fresh) {
        if (fresh) {
            Stream head = freshHead;
            if (head != null) {
                freshHead = head.nextScheduled;
                if (freshHead == null) {
                    freshTail = null;
                }
                unlink(head);
            }
        } else {
            Stream head = roundHead;
            if (head != null) {
                roundHead = head.nextScheduled;
                if (roundHead == null) {
                    roundTail = null;
                }
                unlink(head);
            }
        }
    }

    private static void unlink(Stream stream) {
        stream.nextScheduled = null;
        stream.scheduled = Stream.NOT_SCHEDULED;
    }

    private void pushFront(Stream stream, boolean fresh) {
        if (stream.scheduled != Stream.NOT_SCHEDULED) {
            return;
        }
        stream.scheduled = Stream.SCHEDULED;
        if (fresh) {
            stream.nextScheduled = freshHead;
            freshHead = stream;
            if (freshTail == null) {
                freshTail = stream;
            }
        } else {
            stream.nextScheduled = roundHead;
            roundHead = stream;
            if (roundTail == null) {
                roundTail = stream;
            }
        }
    }

    private void appendFresh(Stream stream) {
        if (stream.scheduled != Stream.NOT_SCHEDULED) {
            return;
        }
        stream.scheduled = Stream.SCHEDULED;
        Stream tail = freshTail;
        if (tail == null) {
            freshHead = stream;
        } else {
            tail.nextScheduled = stream;
        }
        freshTail = stream;
    }

    private void appendRound(Stream stream) {
        if (stream.scheduled != Stream.NOT_SCHEDULED) {
            return;
        }
        stream.scheduled = Stream.SCHEDULED;
        Stream tail = roundTail;
        if (tail == null) {
            roundHead = stream;
        } else {
            tail.nextScheduled = stream;
        }
        roundTail = stream;
    }
}
