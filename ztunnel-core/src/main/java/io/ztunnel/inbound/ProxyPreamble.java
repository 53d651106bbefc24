package io.ztunnel.inbound;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

/// What a sandwiched waypoint reads before the bytes: a PROXY protocol header, version 2
/// (docs/spec/dataplane.md 3.5; the layout is that of HAProxy's proxy-protocol.txt 2.2).
///
/// ```
/// signature 12 · version and command 1 · family and transport 1 · length 2
/// source address · target address · source port 2 · target port 2 · TLVs
/// ```
final class ProxyPreamble {
    private static final byte[] SIGNATURE = {
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a
    };
    private static final int VERSION_2_PROXY = 0x21;
    private static final int UNSPEC = 0x00;
    private static final int STREAM = 0x01;
    private static final int INET = 0x10;
    private static final int INET6 = 0x20;
    private static final int TLV_IDENTITY = 0xd0;

    private ProxyPreamble() {}

    /// @param identity who the peer proved to be; null leaves the field out
    static ByteBuf write(
            ByteBufAllocator allocator,
            IpAddress source,
            int sourcePort,
            IpAddress target,
            int targetPort,
            @Nullable SpiffeId identity) {
        byte[] name = identity == null ? new byte[0] : identity.toString().getBytes(UTF_8);
        // Addresses of two families have no common form, so the header then goes without them.
        boolean comparable = source.isV6() == target.isV6();
        int addresses = comparable ? (source.isV6() ? 36 : 12) : 0;
        int length = addresses + (name.length == 0 ? 0 : 3 + name.length);
        ByteBuf out = allocator.directBuffer(SIGNATURE.length + 4 + length);
        out.writeBytes(SIGNATURE).writeByte(VERSION_2_PROXY);
        if (comparable) {
            out.writeByte((source.isV6() ? INET6 : INET) | STREAM).writeShort(length);
            out.writeBytes(source.bytes()).writeBytes(target.bytes());
            out.writeShort(sourcePort).writeShort(targetPort);
        } else {
            out.writeByte(UNSPEC | STREAM).writeShort(length);
        }
        if (name.length > 0) {
            out.writeByte(TLV_IDENTITY).writeShort(name.length).writeBytes(name);
        }
        return out;
    }
}
