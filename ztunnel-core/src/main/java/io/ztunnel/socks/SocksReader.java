package io.ztunnel.socks;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;

/// Understands what a client says before its bytes begin (RFC 1928 3 and 4), however it is cut.
///
/// ```
/// greeting  version 5 · number of methods · methods
/// request   version 5 · command 1 · reserved · address type · address · port 2
/// ```
///
/// What is wrong is refused at the first byte that shows it. Nothing behind the request is read: it
/// belongs to the destination. Confined to the worker's loop.
final class SocksReader {
    private static final int VERSION = 5;
    private static final int NO_AUTHENTICATION = 0;
    private static final int CONNECT = 1;
    private static final int IPV4 = 1;
    private static final int NAME = 3;
    private static final int IPV6 = 4;

    /// Version, command, reserved, address type.
    private static final int HEAD = 4;

    private static final int PORT = 2;

    private boolean greeted;

    /// What has been understood; null is nothing yet.
    sealed interface Step {

        /// The client can do without authentication and waits to hear so.
        record Greeted() implements Step {}

        record AskedAddress(InetSocketAddress target) implements Step {}

        /// @param host 1 to 255 bytes of UTF-8 without blanks and control characters
        record AskedName(String host, int port) implements Step {}

        record Refused(String why) implements Step {}
    }

    /// Takes the next complete message from the buffer, and leaves an incomplete one there.
    @Nullable Step next(ByteBuf in) {
        return greeted ? request(in) : greeting(in);
    }

    private @Nullable Step greeting(ByteBuf in) {
        int at = in.readerIndex();
        int there = in.readableBytes();
        if (there >= 1 && in.getUnsignedByte(at) != VERSION) {
            return new Step.Refused("unsupported version " + in.getUnsignedByte(at));
        }
        if (there < 2) {
            return null;
        }
        int methods = in.getUnsignedByte(at + 1);
        if (methods == 0) {
            return new Step.Refused("no authentication methods");
        }
        if (there < 2 + methods) {
            return null;
        }
        if (in.indexOf(at + 2, at + 2 + methods, (byte) NO_AUTHENTICATION) < 0) {
            return new Step.Refused("only without authentication");
        }
        in.skipBytes(2 + methods);
        greeted = true;
        return new Step.Greeted();
    }

    private @Nullable Step request(ByteBuf in) {
        int at = in.readerIndex();
        int there = in.readableBytes();
        if (there >= 1 && in.getUnsignedByte(at) != VERSION) {
            return new Step.Refused("unsupported version " + in.getUnsignedByte(at));
        }
        if (there >= 2 && in.getUnsignedByte(at + 1) != CONNECT) {
            return new Step.Refused("unsupported command " + in.getUnsignedByte(at + 1));
        }
        if (there < HEAD) {
            return null;
        }
        int type = in.getUnsignedByte(at + 3);
        return switch (type) {
            case IPV4 -> address(in, 4);
            case IPV6 -> address(in, 16);
            case NAME -> name(in);
            default -> new Step.Refused("unsupported address type " + type);
        };
    }

    private static @Nullable Step address(ByteBuf in, int length) {
        if (in.readableBytes() < HEAD + length + PORT) {
            return null;
        }
        byte[] bytes = new byte[length];
        in.skipBytes(HEAD).readBytes(bytes);
        try {
            // IPv4-mapped addresses become IPv4 here.
            InetAddress address = InetAddress.getByAddress(bytes);
            return new Step.AskedAddress(new InetSocketAddress(address, in.readUnsignedShort()));
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("4 and 16 bytes are always legal", impossible);
        }
    }

    private static @Nullable Step name(ByteBuf in) {
        if (in.readableBytes() <= HEAD) {
            return null;
        }
        int length = in.getUnsignedByte(in.readerIndex() + HEAD);
        if (length == 0) {
            return new Step.Refused("an empty host name");
        }
        if (in.readableBytes() < HEAD + 1 + length + PORT) {
            return null;
        }
        byte[] bytes = new byte[length];
        in.skipBytes(HEAD + 1).readBytes(bytes);
        int port = in.readUnsignedShort();
        String host;
        try {
            host = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException garbage) {
            return new Step.Refused("a host name that is no UTF-8");
        }
        boolean printable =
                host.chars().noneMatch(c -> Character.isISOControl(c) || Character.isWhitespace(c));
        return printable
                ? new Step.AskedName(host, port)
                : new Step.Refused("a host name with blanks or control characters");
    }
}
