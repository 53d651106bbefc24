package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.dns.DefaultDnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.util.Locale;

/// Reads what clients send (docs/spec/config-observability-dns.md 6.2). Any thread.
final class QueryReader {
    /// Clients send an OPT record, and perhaps a signature.
    private static final int MOST_RECORDS = 16;

    private static final int LONGEST_LABEL = 63;
    private static final int LONGEST_NAME = 255;

    private QueryReader() {}

    /// What came of a message.
    sealed interface Read {
        /// Nobody to answer.
        record Unanswerable(String reason) implements Read {}

        /// Only the header makes sense.
        record Malformed(Header header) implements Read {}

        record Understood(Query query) implements Read {}
    }

    /// @param message stays the caller's
    static Read read(ByteBuf message) {
        if (message.readableBytes() < Header.SIZE) {
            return new Read.Unanswerable("short");
        }
        ByteBuf in = message.slice();
        Header header = Header.read(in);
        if (header.has(Header.RESPONSE)) {
            return new Read.Unanswerable("response");
        }
        try {
            return new Read.Understood(body(header, in));
        } catch (CorruptedFrameException
                | IndexOutOfBoundsException
                | IllegalArgumentException malformed) {
            return new Read.Malformed(header);
        } catch (Exception unexpected) {
            throw new IllegalStateException("Netty's decoder says it throws anything", unexpected);
        }
    }

    private static Query body(Header header, ByteBuf in) throws Exception {
        Query.Question only = null;
        for (int i = 0; i < header.questions(); i++) {
            only = question(in);
        }
        byte[] questions = ByteBufUtil.getBytes(in, Header.SIZE, in.readerIndex() - Header.SIZE);
        return new Query(
                header, questions, header.questions() == 1 ? only : null, edns(header, in));
    }

    /// Not by way of [io.netty.handler.codec.dns.DnsQuestion], which refuses names that are no host
    /// names.
    private static Query.Question question(ByteBuf in) {
        int labels = labels(in);
        String text = DefaultDnsRecordDecoder.decodeName(in);
        int type = in.readUnsignedShort();
        in.skipBytes(2);
        boolean plain = text.chars().allMatch(each -> each > ' ' && each < 0x7f);
        int dots = (int) text.chars().filter(each -> each == '.').count();
        return new Query.Question(
                text.substring(0, text.length() - 1).toLowerCase(Locale.ROOT),
                plain && dots == Math.max(1, labels),
                type);
    }

    /// How many there are. The first name of a message has nothing to point at, and it must stand
    /// where it is repeated.
    private static int labels(ByteBuf in) {
        int labels = 0;
        int at = in.readerIndex();
        for (int length = in.getUnsignedByte(at); length != 0; length = in.getUnsignedByte(at)) {
            labels++;
            at += 1 + length;
            if (length > LONGEST_LABEL || at - in.readerIndex() >= LONGEST_NAME) {
                throw new CorruptedFrameException("not a name to ask for");
            }
        }
        return labels;
    }

    private static Query.@Nullable Edns edns(Header header, ByteBuf in) throws Exception {
        int records = header.answers() + header.authorities() + header.additionals();
        if (records > MOST_RECORDS) {
            throw new CorruptedFrameException(records + " records in a query");
        }
        Query.Edns edns = null;
        for (int i = 0; i < records; i++) {
            DnsRecord record = DnsRecordDecoder.DEFAULT.decodeRecord(in);
            if (record == null) {
                throw new CorruptedFrameException("a record is cut off");
            }
            // Some records hold on to the message; nobody needs that, whatever they turn out to be.
            ReferenceCountUtil.release(record);
            if (DnsRecordType.OPT.equals(record.type())) {
                if (edns != null) {
                    throw new CorruptedFrameException("more than one OPT record");
                }
                int more = (int) record.timeToLive();
                edns =
                        new Query.Edns(
                                record.dnsClass(),
                                more >> 16 & 0xff,
                                (more & Query.Edns.DNSSEC_OK) != 0);
            }
        }
        return edns;
    }
}
