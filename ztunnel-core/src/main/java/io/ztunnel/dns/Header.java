package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;

/// The twelve bytes before a message (RFC 1035 4.1.1). Netty reads them only together with a body
/// it understands; a server answers more than that.
///
/// @param flags as on the wire: QR, opcode, AA, TC, RD, RA, Z, AD, CD, rcode
record Header(int id, int flags, int questions, int answers, int authorities, int additionals) {
    static final int SIZE = 12;

    static final int RESPONSE = 0x8000;
    static final int OPCODE = 0x7800;
    static final int AUTHORITATIVE = 0x0400;
    static final int TRUNCATED = 0x0200;
    static final int RECURSION_DESIRED = 0x0100;
    static final int RECURSION_AVAILABLE = 0x0080;
    static final int CHECKING_DISABLED = 0x0010;

    private static final int CODE = 0x000f;

    /// @param message at least [#SIZE] bytes
    static Header read(ByteBuf message) {
        return new Header(
                message.readUnsignedShort(),
                message.readUnsignedShort(),
                message.readUnsignedShort(),
                message.readUnsignedShort(),
                message.readUnsignedShort(),
                message.readUnsignedShort());
    }

    void write(ByteBuf to) {
        to.writeShort(id).writeShort(flags).writeShort(questions);
        to.writeShort(answers).writeShort(authorities).writeShort(additionals);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    int opcode() {
        return (flags & OPCODE) >> 11;
    }

    int code() {
        return flags & CODE;
    }
}
