package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.DatagramPacket;
import io.netty.handler.codec.dns.DatagramDnsResponseDecoder;
import io.netty.handler.codec.dns.DefaultDnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponse;
import io.netty.handler.codec.dns.DnsSection;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Asks like a stub resolver, and reads answers with Netty's own decoder.
final class DnsClient {
    static final int ID = 0x4711;
    private static final int LIMIT_MILLIS = 15_000;

    private DnsClient() {}

    /// An answer as a test compares it.
    ///
    /// @param answers `owner type data`, sorted
    /// @param opt payload, version and flags of the OPT record, -1 without one
    record Said(
            int flags,
            int code,
            List<String> answers,
            List<String> additionals,
            long opt,
            int size,
            List<Long> ttls) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    /// @param name with or without the dot at the end
    static byte[] query(String name, int type) {
        return query(name, type, Header.RECURSION_DESIRED, -1);
    }

    /// @param opt payload in the upper, flags in the lower half; -1: no OPT record
    static byte[] query(String name, int type, int flags, long opt) {
        ByteBuf out = Unpooled.buffer();
        new Header(ID, flags, 1, 0, 0, opt < 0 ? 0 : 1).write(out);
        question(out, name, type);
        if (opt >= 0) {
            out.writeByte(0).writeShort(41).writeShort((int) (opt >> 32));
            out.writeInt((int) opt).writeShort(0);
        }
        return ByteBufUtil.getBytes(out);
    }

    static void question(ByteBuf out, String name, int type) {
        for (String label : name.split("\\.")) {
            if (!label.isEmpty()) {
                out.writeByte(label.length());
                ByteBufUtil.writeAscii(out, label);
            }
        }
        out.writeByte(0).writeShort(type).writeShort(1);
    }

    static Said overUdp(InetSocketAddress server, byte[] query) throws IOException {
        return decode(rawOverUdp(server, query));
    }

    static byte[] rawOverUdp(InetSocketAddress server, byte[] query) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(LIMIT_MILLIS);
            socket.send(new java.net.DatagramPacket(query, query.length, server));
            java.net.DatagramPacket answer = new java.net.DatagramPacket(new byte[65536], 65536);
            socket.receive(answer);
            return Arrays.copyOf(answer.getData(), answer.getLength());
        }
    }

    static Said overTcp(InetSocketAddress server, byte[] query) throws IOException {
        try (Socket socket = connect(server)) {
            send(socket, query);
            return decode(receive(socket));
        }
    }

    static Socket connect(InetSocketAddress server) throws IOException {
        Socket socket = new Socket(server.getAddress(), server.getPort());
        socket.setSoTimeout(LIMIT_MILLIS);
        return socket;
    }

    static void send(Socket socket, byte[] query) throws IOException {
        OutputStream out = socket.getOutputStream();
        byte[] framed = new byte[query.length + 2];
        framed[0] = (byte) (query.length >> 8);
        framed[1] = (byte) query.length;
        System.arraycopy(query, 0, framed, 2, query.length);
        out.write(framed);
        out.flush();
    }

    static byte[] receive(Socket socket) throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        return in.readNBytes(in.readUnsignedShort());
    }

    static Said decode(byte[] message) {
        EmbeddedChannel decoder = new EmbeddedChannel(new DatagramDnsResponseDecoder());
        InetSocketAddress nobody = new InetSocketAddress(0);
        decoder.writeInbound(new DatagramPacket(Unpooled.wrappedBuffer(message), nobody, nobody));
        DnsResponse response = decoder.readInbound();
        try {
            List<Long> ttls = new ArrayList<>();
            List<String> answers = records(response, DnsSection.ANSWER, ttls);
            List<String> additionals = new ArrayList<>();
            long opt = -1;
            for (int i = 0; i < response.count(DnsSection.ADDITIONAL); i++) {
                DnsRecord record = response.recordAt(DnsSection.ADDITIONAL, i);
                if (record.type().equals(DnsRecordType.OPT)) {
                    opt = (long) record.dnsClass() << 32 | record.timeToLive();
                } else {
                    additionals.add(text(record));
                }
            }
            return new Said(
                    (message[2] & 0xff) << 8 | (message[3] & 0xf0),
                    response.code().intValue(),
                    answers,
                    additionals,
                    opt,
                    message.length,
                    ttls);
        } finally {
            response.release();
            decoder.finishAndReleaseAll();
        }
    }

    private static List<String> records(DnsResponse response, DnsSection section, List<Long> ttls) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < response.count(section); i++) {
            DnsRecord record = response.recordAt(section, i);
            all.add(text(record));
            ttls.add(record.timeToLive());
        }
        all.sort(null);
        return all;
    }

    private static String text(DnsRecord record) {
        if (record instanceof DnsRawRecord raw) {
            String data;
            byte[] bytes = ByteBufUtil.getBytes(raw.content());
            if (record.type().equals(DnsRecordType.A) || record.type().equals(DnsRecordType.AAAA)) {
                data = ip(bytes);
            } else if (record.type().equals(DnsRecordType.CNAME)) {
                data = DefaultDnsRecordDecoder.decodeName(Unpooled.wrappedBuffer(bytes));
            } else {
                data = ByteBufUtil.hexDump(bytes);
            }
            return record.name() + " " + record.type().name() + " " + data;
        }
        return record.name() + " " + record.type().name();
    }

    private static String ip(byte[] bytes) {
        try {
            return io.ztunnel.mesh.IpAddress.of(InetAddress.getByAddress(bytes)).toString();
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
