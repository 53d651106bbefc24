package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.dns.DefaultDnsRecordEncoder;

import java.util.HashMap;
import java.util.Map;

/// Netty's encoder, which writes a name a second time as a pointer to the first (RFC 1035 4.1.4):
/// it makes the difference between 42 and 74 addresses in a datagram. For one message, at
/// the beginning of its buffer.
final class NameWriter extends DefaultDnsRecordEncoder {
    private static final int POINTER = 0xc000;

    private final Map<String, Integer> places = new HashMap<>();

    /// The name stands at this place of the message already.
    void known(String name, int place) {
        places.put(bare(name), place);
    }

    @Override
    protected void encodeName(String name, ByteBuf to) throws Exception {
        String bare = bare(name);
        Integer place = places.get(bare);
        if (place != null) {
            to.writeShort(POINTER | place);
            return;
        }
        int here = to.writerIndex();
        if (here < POINTER >> 2 && !bare.isEmpty()) {
            places.put(bare, here);
        }
        super.encodeName(name, to);
    }

    /// A name as it stands in the data of a record.
    void encodeWhole(String name, ByteBuf to) {
        try {
            super.encodeName(name, to);
        } catch (Exception unexpected) {
            throw new IllegalStateException("not a name: " + name, unexpected);
        }
    }

    private static String bare(String name) {
        return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }
}
