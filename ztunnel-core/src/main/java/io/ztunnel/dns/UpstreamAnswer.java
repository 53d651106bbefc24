package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.CorruptedFrameException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What a server said to a question of ours, kept as it came: compressed names point at places in
/// the message, so its answers are passed on as bytes. Immutable.
final class UpstreamAnswer {
    static final int NO_ERROR = 0;
    static final int FORMAT_ERROR = 1;
    static final int SERVER_FAILURE = 2;
    static final int NO_SUCH_NAME = 3;
    static final int NOT_IMPLEMENTED = 4;

    private static final int SOA = 6;
    private static final int OPT = 41;

    private final byte[] message;
    private final Header header;
    private final List<Place> answers = new ArrayList<>();
    private final List<Place> additionals = new ArrayList<>();
    private long negativeSeconds = -1;

    /// Where a record is.
    ///
    /// @param ttl where its time to live is
    record Place(int start, int ttl, int end, int type) {}

    private UpstreamAnswer(byte[] message, Header header) {
        this.message = message;
        this.header = header;
    }

    /// @param message kept, not copied
    /// @param question what was asked, in canonical form
    /// @return null where this is no answer to the question: another id, another question, or bytes
    ///     that make no sense
    static @Nullable UpstreamAnswer read(byte[] message, int id, byte[] question) {
        if (message.length < Header.SIZE) {
            return null;
        }
        ByteBuf in = Unpooled.wrappedBuffer(message);
        Header header = Header.read(in);
        if (header.id() != id || !header.has(Header.RESPONSE) || header.opcode() != 0) {
            return null;
        }
        if (header.questions() == 0 && header.code() != NO_ERROR && header.code() != NO_SUCH_NAME) {
            // Servers that do not understand a question need not repeat it.
            return new UpstreamAnswer(message, header);
        }
        int end = Header.SIZE + question.length;
        if (header.questions() != 1
                || message.length < end
                || !Arrays.equals(
                        Query.canonical(Arrays.copyOfRange(message, Header.SIZE, end)), question)) {
            return null;
        }
        UpstreamAnswer answer = new UpstreamAnswer(message, header);
        try {
            answer.walk(in.readerIndex(end));
        } catch (CorruptedFrameException | IndexOutOfBoundsException malformed) {
            return null;
        }
        return answer;
    }

    private void walk(ByteBuf in) {
        try {
            for (int i = 0; i < header.answers(); i++) {
                answers.add(next(in));
            }
        } catch (IndexOutOfBoundsException cutOff) {
            // Some servers cut within a record; what is whole counts.
            if (!header.has(Header.TRUNCATED)) {
                throw cutOff;
            }
            return;
        }
        if (header.has(Header.TRUNCATED)) {
            return;
        }
        for (int i = 0; i < header.authorities(); i++) {
            Place place = next(in);
            if (place.type() == SOA) {
                // The last number of its data says how long there is nothing (RFC 2308).
                negativeSeconds =
                        Math.min(
                                in.getUnsignedInt(place.ttl()), in.getUnsignedInt(place.end() - 4));
            }
        }
        for (int i = 0; i < header.additionals(); i++) {
            Place place = next(in);
            if (place.type() != OPT) {
                additionals.add(place);
            }
        }
    }

    private static Place next(ByteBuf in) {
        int start = in.readerIndex();
        passName(in);
        int type = in.readUnsignedShort();
        in.skipBytes(2);
        int ttl = in.readerIndex();
        in.skipBytes(4);
        in.skipBytes(in.readUnsignedShort());
        return new Place(start, ttl, in.readerIndex(), type);
    }

    /// To its end in this place, wherever it points.
    private static void passName(ByteBuf in) {
        for (int length = in.readUnsignedByte(); length != 0; length = in.readUnsignedByte()) {
            if (length >= 0xc0) {
                in.skipBytes(1);
                return;
            }
            if (length > 63) {
                throw new CorruptedFrameException("a label of " + length + " bytes");
            }
            in.skipBytes(length);
        }
    }

    int code() {
        return header.code();
    }

    boolean isTruncated() {
        return header.has(Header.TRUNCATED);
    }

    /// Whether the name or the type does not exist: that is an answer, but one without records.
    boolean isNegative() {
        return code() == NO_SUCH_NAME || (code() == NO_ERROR && answers.isEmpty());
    }

    byte[] message() {
        return message;
    }

    List<Place> answers() {
        return answers;
    }

    int answerBytes() {
        return answers.isEmpty() ? 0 : answers.getLast().end() - answers.getFirst().start();
    }

    /// Without those about the transport.
    List<Place> additionals() {
        return additionals;
    }

    /// How long it holds, in seconds; 0 where it does not.
    long secondsToLive() {
        if (isTruncated()) {
            return 0;
        }
        if (isNegative()) {
            return Math.max(0, negativeSeconds);
        }
        ByteBuf in = Unpooled.wrappedBuffer(message);
        long least = Long.MAX_VALUE;
        for (Place place : answers) {
            least = Math.min(least, in.getUnsignedInt(place.ttl()));
        }
        if (negativeSeconds >= 0) {
            // An alias whose target has no such records: what is missing holds for its own time.
            least = Math.min(least, negativeSeconds);
        }
        return code() == NO_ERROR && least != Long.MAX_VALUE ? least : 0;
    }
}
