package io.ztunnel.hbone.h2;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;

/// Reads HTTP/2 frames out of buffers cut anywhere (RFC 9113 sections 3.4, 4 and 6).
///
/// DATA payload is passed on as slices of the buffer it arrived in, as soon as it arrives;
/// nothing waits for the end of a frame. All other frames are small; one that arrives in pieces
/// is collected first, in at most [Limits#headerBlock] bytes or the frame's fixed size.
///
/// Confined to one thread. A thrown [ConnectionError] ends the reader; so does [#close].
public final class FrameReader {

    /// What a peer may send at most.
    ///
    /// @param maxFrame largest payload we announced, bytes (RFC 9113 section 6.5.2)
    /// @param headerBlock largest compressed header block, bytes
    /// @param continuations most CONTINUATION frames of one block
    /// @param settings most bytes of one SETTINGS frame
    public record Limits(int maxFrame, int headerBlock, int continuations, int settings) {}

    private static final byte[] PREFACE =
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private enum State {
        PREFACE,
        HEADER,
        DATA_PAD_LENGTH,
        DATA,
        DATA_PADDING,
        WHOLE,
        SKIP,
        CLOSED
    }

    private final FrameSink sink;
    private final Limits limits;
    private final ByteBufAllocator allocator;

    private State state;
    private int prefaceSeen;
    private boolean settingsSeen;

    // The frame header, gathered byte by byte only when a buffer ends inside it.
    private long headerHigh;
    private int headerFill;

    private int length;
    private int type;
    private int flags;
    private int streamId;
    private int remaining;
    private int padding;

    private @Nullable ByteBuf collected;

    private final HeaderAssembly assembly;

    /// @param expectPreface true on the server's side (RFC 9113 section 3.4)
    public FrameReader(
            FrameSink sink, Limits limits, ByteBufAllocator allocator, boolean expectPreface) {
        this.sink = sink;
        this.limits = limits;
        this.allocator = allocator;
        this.assembly = new HeaderAssembly(sink, limits, allocator);
        this.state = expectPreface ? State.PREFACE : State.HEADER;
    }

    /// True once the peer's preface, which ends with its first SETTINGS frame, has begun to be
    /// read in full.
    public boolean sawPreface() {
        return settingsSeen;
    }

    /// Reads all of `in`; ownership passes.
    public void read(ByteBuf in) throws ConnectionError {
        ByteBuf buffer = in;
        try {
            while (buffer != null && state != State.CLOSED) {
                if (state == State.DATA && remaining > 0) {
                    if (!buffer.isReadable()) {
                        break;
                    }
                    buffer = data(buffer);
                } else if (!step(buffer)) {
                    break;
                }
            }
        } catch (ConnectionError broken) {
            close();
            throw broken;
        } finally {
            if (buffer != null) {
                buffer.release();
            }
        }
    }

    /// Stops reading, also from inside a callback, and lets go of what was collected.
    public void close() {
        state = State.CLOSED;
        if (collected != null) {
            collected.release();
            collected = null;
        }
        assembly.close();
    }

    private @Nullable ByteBuf data(ByteBuf buffer) throws ConnectionError {
        int readable = buffer.readableBytes();
        if (readable <= remaining) {
            // The rest of the buffer is payload: hand over the buffer itself.
            remaining -= readable;
            sink.onDataChunk(buffer);
            // A complete payload goes on to its end; that needs no bytes.
            return remaining == 0 ? Unpooled.EMPTY_BUFFER : null;
        }
        int count = remaining;
        remaining = 0;
        sink.onDataChunk(buffer.readRetainedSlice(count));
        return buffer;
    }

    /// One step of the machine; false when more bytes are needed first.
    private boolean step(ByteBuf in) throws ConnectionError {
        switch (state) {
            case PREFACE -> {
                return preface(in);
            }
            case HEADER -> {
                if (!header(in)) {
                    return false;
                }
                begin();
                return true;
            }
            case DATA_PAD_LENGTH -> {
                if (!in.isReadable()) {
                    return false;
                }
                padding = in.readUnsignedByte();
                if (padding >= length) {
                    throw protocolError("padding exceeds the frame");
                }
                remaining = length - 1 - padding;
                state = State.DATA;
                sink.onDataPadding(1);
                return true;
            }
            case DATA -> {
                // All payload was passed on.
                state = State.DATA_PADDING;
                remaining = padding;
                return true;
            }
            case DATA_PADDING -> {
                int skipped = Math.min(remaining, in.readableBytes());
                if (skipped > 0) {
                    in.skipBytes(skipped);
                    remaining -= skipped;
                    sink.onDataPadding(skipped);
                }
                if (remaining > 0) {
                    return false;
                }
                if (state != State.CLOSED) {
                    state = State.HEADER;
                    sink.onDataEnd((flags & FrameType.END_STREAM) != 0);
                }
                return true;
            }
            case WHOLE -> {
                return whole(in);
            }
            case SKIP -> {
                int skipped = Math.min(remaining, in.readableBytes());
                in.skipBytes(skipped);
                remaining -= skipped;
                if (remaining > 0) {
                    return false;
                }
                state = State.HEADER;
                return true;
            }
            case CLOSED -> {
                return false;
            }
        }
        return false;
    }

    private boolean preface(ByteBuf in) throws ConnectionError {
        while (prefaceSeen < PREFACE.length && in.isReadable()) {
            if (in.readByte() != PREFACE[prefaceSeen++]) {
                throw protocolError("not an HTTP/2 preface");
            }
        }
        if (prefaceSeen < PREFACE.length) {
            return false;
        }
        state = State.HEADER;
        return true;
    }

    private boolean header(ByteBuf in) {
        if (headerFill == 0 && in.readableBytes() >= 9) {
            length = in.readUnsignedMedium();
            type = in.readUnsignedByte();
            flags = in.readUnsignedByte();
            streamId = in.readInt() & Integer.MAX_VALUE;
            return true;
        }
        while (in.isReadable()) {
            int octet = in.readUnsignedByte();
            if (headerFill < 8) {
                headerHigh = headerHigh << 8 | octet;
                headerFill++;
                continue;
            }
            length = (int) (headerHigh >>> 40);
            type = (int) (headerHigh >>> 32) & 0xff;
            flags = (int) (headerHigh >>> 24) & 0xff;
            streamId = ((int) headerHigh << 8 | octet) & Integer.MAX_VALUE;
            headerHigh = 0;
            headerFill = 0;
            return true;
        }
        return false;
    }

    /// Checks what the header alone can tell, and chooses how the payload is read.
    private void begin() throws ConnectionError {
        if (length > limits.maxFrame()) {
            throw frameSize("frame exceeds SETTINGS_MAX_FRAME_SIZE");
        }
        assembly.allows(type, streamId);
        if (!settingsSeen) {
            if (type != FrameType.SETTINGS || (flags & FrameType.ACK) != 0) {
                throw protocolError("first frame is not SETTINGS");
            }
            settingsSeen = true;
        }
        remaining = length;
        switch (type) {
            case FrameType.DATA -> beginData();
            case FrameType.HEADERS -> {
                onStream("HEADERS");
                assembly.fits(length);
                state = State.WHOLE;
            }
            case FrameType.CONTINUATION -> {
                assembly.goesOn(length);
                state = State.WHOLE;
            }
            case FrameType.PRIORITY -> {
                onStream("PRIORITY");
                // A wrong size is an error of the stream alone, and priorities mean nothing here.
                state = State.SKIP;
                sink.onIgnored();
            }
            case FrameType.RST_STREAM -> {
                onStream("RST_STREAM");
                exactly(4);
            }
            case FrameType.SETTINGS -> beginSettings();
            case FrameType.PUSH_PROMISE -> throw protocolError("PUSH_PROMISE was not allowed");
            case FrameType.PING -> {
                onConnection("PING");
                exactly(8);
            }
            case FrameType.GOAWAY -> {
                onConnection("GOAWAY");
                if (length < 8) {
                    throw frameSize("GOAWAY shorter than 8 bytes");
                }
                state = State.WHOLE;
                // Debug data is not kept: only the fixed part is read, the rest is skipped.
                remaining = 8;
            }
            case FrameType.WINDOW_UPDATE -> exactly(4);
            default -> {
                state = State.SKIP;
                sink.onIgnored();
            }
        }
    }

    private void beginData() throws ConnectionError {
        onStream("DATA");
        padding = 0;
        boolean padded = (flags & FrameType.PADDED) != 0;
        if (padded && length == 0) {
            throw frameSize("padded DATA without pad length");
        }
        state = padded ? State.DATA_PAD_LENGTH : State.DATA;
        sink.onDataStart(streamId, length, (flags & FrameType.END_STREAM) != 0);
    }

    private void beginSettings() throws ConnectionError {
        onConnection("SETTINGS");
        if ((flags & FrameType.ACK) != 0 && length != 0) {
            throw frameSize("SETTINGS acknowledgement with payload");
        }
        if (length % 6 != 0) {
            throw frameSize("SETTINGS length is no multiple of 6");
        }
        if (length > limits.settings()) {
            throw calm("too many settings in one frame");
        }
        state = State.WHOLE;
    }

    private boolean whole(ByteBuf in) throws ConnectionError {
        ByteBuf gathered = collected;
        if (gathered == null) {
            if (in.readableBytes() >= remaining) {
                int end = in.readerIndex() + remaining;
                frame(in.slice(in.readerIndex(), remaining));
                if (state != State.CLOSED) {
                    in.readerIndex(end);
                }
                return true;
            }
            gathered = allocator.buffer(remaining, remaining);
            collected = gathered;
        }
        int missing = remaining - gathered.readableBytes();
        int count = Math.min(missing, in.readableBytes());
        gathered.writeBytes(in, count);
        if (count < missing) {
            return false;
        }
        collected = null;
        try {
            frame(gathered);
        } finally {
            gathered.release();
        }
        return true;
    }

    /// A frame other than DATA whose payload is complete.
    private void frame(ByteBuf payload) throws ConnectionError {
        state = State.HEADER;
        switch (type) {
            case FrameType.HEADERS -> assembly.headers(streamId, flags, payload);
            case FrameType.CONTINUATION -> assembly.continuation(flags, payload);
            case FrameType.RST_STREAM -> sink.onRstStream(streamId, payload.readUnsignedInt());
            case FrameType.SETTINGS -> settings(payload);
            case FrameType.PING -> sink.onPing((flags & FrameType.ACK) != 0, payload.readLong());
            case FrameType.GOAWAY -> {
                remaining = length - 8;
                if (remaining > 0) {
                    state = State.SKIP;
                }
                sink.onGoAway(payload.readInt() & Integer.MAX_VALUE, payload.readUnsignedInt());
            }
            case FrameType.WINDOW_UPDATE ->
                    sink.onWindowUpdate(streamId, payload.readInt() & Integer.MAX_VALUE);
            default -> throw new AssertionError(type);
        }
    }

    private void settings(ByteBuf payload) throws ConnectionError {
        if ((flags & FrameType.ACK) != 0) {
            sink.onSettingsAck();
            return;
        }
        while (payload.isReadable() && state != State.CLOSED) {
            sink.onSetting(payload.readUnsignedShort(), payload.readUnsignedInt());
        }
        if (state != State.CLOSED) {
            sink.onSettingsEnd();
        }
    }

    private void exactly(int size) throws ConnectionError {
        if (length != size) {
            throw frameSize("frame of type " + type + " must have " + size + " bytes");
        }
        state = State.WHOLE;
    }

    private void onStream(String name) throws ConnectionError {
        if (streamId == 0) {
            throw protocolError(name + " on stream 0");
        }
    }

    private void onConnection(String name) throws ConnectionError {
        if (streamId != 0) {
            throw protocolError(name + " on a stream");
        }
    }

    private static ConnectionError protocolError(String message) {
        return new ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
    }

    private static ConnectionError frameSize(String message) {
        return new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, message);
    }

    private static ConnectionError calm(String message) {
        return new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, message);
    }
}
