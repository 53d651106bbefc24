package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRecordEncoder;
import io.netty.handler.codec.dns.DnsRecordType;
import io.ztunnel.mesh.IpAddress;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/// Writes answers (docs/spec/config-observability-dns.md 6.2). Records that do not fit are left out
/// whole, from the end, and the client is told. Any thread.
final class AnswerWriter {
    /// Seconds that an address of the mesh may be remembered.
    static final int MESH_TTL = 30;

    /// What a client takes that says nothing (RFC 1035 4.2.1).
    static final int PLAIN_DATAGRAM = 512;

    static final int STREAM = 0xffff;

    /// Few answers need more.
    private static final int USUAL = 512;

    private static final int OPT_SIZE = 11;
    private static final int CNAME = 5;
    private static final int ECHOED =
            Header.OPCODE | Header.RECURSION_DESIRED | Header.CHECKING_DISABLED;

    private final ByteBufAllocator allocator;

    AnswerWriter(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    /// The largest datagram that the client takes.
    static int datagram(Query query) {
        Query.Edns edns = query.edns();
        return edns == null ? PLAIN_DATAGRAM : Math.max(PLAIN_DATAGRAM, edns.payload());
    }

    /// An error without a question, because none was understood.
    ByteBuf malformed(Header of) {
        ByteBuf out = allocator.buffer(Header.SIZE);
        new Header(
                        of.id(),
                        Header.RESPONSE | (of.flags() & ECHOED) | UpstreamAnswer.FORMAT_ERROR,
                        0,
                        0,
                        0,
                        0)
                .write(out);
        return out;
    }

    /// An error, or a name without records that somebody else has said so of.
    ByteBuf error(Query query, int code) {
        ByteBuf out = allocator.buffer(Header.SIZE + query.questions().length);
        header(query, code, 0, 0).write(out);
        return out.writeBytes(query.questions());
    }

    /// Addresses of the mesh.
    ///
    /// @param owner who they belong to; where it is not the name that was asked for, that one is an
    ///     alias of it
    /// @param addresses of the family that was asked for
    /// @param limit bytes of the message
    ByteBuf known(
            Query query, Query.Question asked, String owner, List<IpAddress> addresses, int limit) {
        Stream<DnsRecord> alias =
                owner.equals(asked.name()) || addresses.isEmpty()
                        ? Stream.empty()
                        : Stream.of(name(asked.name(), DnsRecordType.CNAME, owner, MESH_TTL));
        Stream<DnsRecord> records =
                addresses.stream().map(address -> address(owner, address, MESH_TTL));
        return ours(query, Header.AUTHORITATIVE, Stream.concat(alias, records).iterator(), limit);
    }

    /// What a name means everywhere.
    ByteBuf special(Query query, Query.Question asked, SpecialNames.Meaning meaning, int limit) {
        List<DnsRecord> records = new ArrayList<>();
        for (IpAddress address : meaning.addresses()) {
            records.add(address(asked.name(), address, SpecialNames.TTL));
        }
        if (meaning.isLocalhost()) {
            records.add(
                    name(
                            asked.name(),
                            DnsRecordType.PTR,
                            SpecialNames.LOCALHOST,
                            SpecialNames.TTL));
        }
        return ours(query, 0, records.iterator(), limit);
    }

    /// @param records made one by one, no more of them than there is room for: a service may have
    ///     thousands
    private ByteBuf ours(Query query, int flags, Iterator<DnsRecord> records, int limit) {
        return write(
                query,
                flags,
                (names, out) -> {
                    Fitting fitting = new Fitting(out, room(query, limit));
                    while (!fitting.full && records.hasNext()) {
                        DnsRecord record = records.next();
                        fitting.add(() -> names.encodeRecord(record, out));
                    }
                    return fitting;
                });
    }

    /// What somebody else has answered.
    ///
    /// @param age seconds since then
    ByteBuf forwarded(Query query, UpstreamAnswer answer, int age, int limit) {
        int room = room(query, limit);
        // Names that a server wrote in full take room that records could have.
        boolean again =
                Header.SIZE + query.questions().length + answer.answerBytes() > room
                        && answer.answers().stream().allMatch(AnswerWriter::isRewritable);
        return write(
                query,
                answer.isTruncated() ? Header.TRUNCATED : 0,
                (names, out) -> {
                    Fitting fitting = new Fitting(out, room);
                    for (UpstreamAnswer.Place place : answer.answers()) {
                        fitting.add(
                                again
                                        ? () -> encodeAgain(answer, place, age, names, out)
                                        : () -> copy(answer, place, age, out));
                    }
                    return fitting;
                },
                (names, out) -> {
                    Fitting fitting = new Fitting(out, room);
                    for (UpstreamAnswer.Place place : answer.additionals()) {
                        if (isRewritable(place)) {
                            fitting.add(() -> encodeAgain(answer, place, age, names, out));
                        }
                    }
                    return fitting;
                });
    }

    private interface Section {
        Fitting write(NameWriter names, ByteBuf out) throws Exception;
    }

    private interface Part {
        void write() throws Exception;
    }

    /// Whole records, as long as there is room.
    private static final class Fitting {
        private final ByteBuf out;
        private final int end;
        private int count;
        private boolean full;

        Fitting(ByteBuf out, int end) {
            this.out = out;
            this.end = end;
        }

        void add(Part record) throws Exception {
            if (full) {
                return;
            }
            int before = out.writerIndex();
            record.write();
            if (out.writerIndex() > end) {
                out.writerIndex(before);
                full = true;
            } else if (out.writerIndex() > before) {
                count++;
            }
        }
    }

    private ByteBuf write(Query query, int flags, Section... sections) {
        ByteBuf out = allocator.buffer(USUAL);
        try {
            out.writeZero(Header.SIZE).writeBytes(query.questions());
            NameWriter names = new NameWriter();
            Query.Question asked = query.question();
            if (asked != null && asked.plain() && query.isCanonical()) {
                names.known(asked.name(), Header.SIZE);
            }
            Fitting answers = sections[0].write(names, out);
            boolean cut = answers.full || (flags & Header.TRUNCATED) != 0;
            // What nobody asked for may be missing without a word (RFC 2181 9).
            int more = cut || sections.length == 1 ? 0 : sections[1].write(names, out).count;
            if (query.edns() != null) {
                DnsRecordEncoder.DEFAULT.encodeRecord(
                        transport(
                                Math.max(PLAIN_DATAGRAM, query.edns().payload()),
                                query.edns().version(),
                                query.edns().dnssecOk()),
                        out);
                more++;
            }
            int end = out.writerIndex();
            header(
                            query,
                            UpstreamAnswer.NO_ERROR,
                            Header.RECURSION_AVAILABLE
                                    | (flags & Header.AUTHORITATIVE)
                                    | (cut ? Header.TRUNCATED : 0),
                            answers.count,
                            more)
                    .write(out.writerIndex(0));
            return out.writerIndex(end);
        } catch (Exception unexpected) {
            out.release();
            throw new IllegalStateException("an answer cannot be written", unexpected);
        }
    }

    private static int room(Query query, int limit) {
        return limit - (query.edns() == null ? 0 : OPT_SIZE);
    }

    private static Header header(Query query, int code, int flags, int answers) {
        return header(query, code, flags, answers, 0);
    }

    private static Header header(Query query, int code, int flags, int answers, int additionals) {
        Header asked = query.header();
        return new Header(
                asked.id(),
                Header.RESPONSE | (asked.flags() & ECHOED) | flags | code,
                asked.questions(),
                answers,
                0,
                additionals);
    }

    private static DnsRecord address(String owner, IpAddress address, int ttl) {
        return new DefaultDnsRawRecord(
                owner,
                address.isV6() ? DnsRecordType.AAAA : DnsRecordType.A,
                ttl,
                Unpooled.wrappedBuffer(address.bytes()));
    }

    private static DnsRecord name(String owner, DnsRecordType type, String target, int ttl) {
        ByteBuf data = Unpooled.buffer();
        new NameWriter().encodeWhole(target, data);
        return new DefaultDnsRawRecord(owner, type, ttl, data);
    }

    /// What both sides say of the transport (RFC 6891).
    static DnsRecord transport(int payload, int version, boolean dnssecOk) {
        return new DefaultDnsRawRecord(
                "",
                DnsRecordType.OPT,
                payload,
                (long) version << 16 | (dnssecOk ? Query.Edns.DNSSEC_OK : 0),
                Unpooled.EMPTY_BUFFER);
    }

    /// Answers come right after the question, so whatever their names point at stays where it was.
    private static void copy(
            UpstreamAnswer answer, UpstreamAnswer.Place place, int age, ByteBuf out) {
        int at = out.writerIndex();
        out.writeBytes(answer.message(), place.start(), place.end() - place.start());
        int ttl = at + place.ttl() - place.start();
        out.setInt(ttl, (int) Math.max(0, out.getUnsignedInt(ttl) - age));
    }

    /// Whether Netty understands all names in it: those in the data of other kinds might point at
    /// places that are elsewhere now.
    private static boolean isRewritable(UpstreamAnswer.Place place) {
        return place.type() == Query.Question.A
                || place.type() == Query.Question.AAAA
                || place.type() == CNAME;
    }

    private static void encodeAgain(
            UpstreamAnswer answer,
            UpstreamAnswer.Place place,
            int age,
            NameWriter names,
            ByteBuf out)
            throws Exception {
        ByteBuf in = Unpooled.wrappedBuffer(answer.message()).readerIndex(place.start());
        DnsRawRecord record;
        try {
            record = DnsRecordDecoder.DEFAULT.decodeRecord(in);
        } catch (RuntimeException noHostname) {
            return;
        }
        if (record != null) {
            try {
                names.encodeRecord(
                        new DefaultDnsRawRecord(
                                record.name(),
                                record.type(),
                                record.dnsClass(),
                                Math.max(0, record.timeToLive() - age),
                                record.content()),
                        out);
            } finally {
                record.release();
            }
        }
    }
}
