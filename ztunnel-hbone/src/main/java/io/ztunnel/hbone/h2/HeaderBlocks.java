package io.ztunnel.hbone.h2;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;

/// The two HPACK contexts of a connection (RFC 7541). Confined to its thread.
public final class HeaderBlocks {

    /// What became of a header block. The compression context stays intact in all three cases.
    public sealed interface Decoded {
        /// Well-formed as far as fields alone can tell.
        record Fields(Http2Headers headers) implements Decoded {}

        /// Larger than the announced MAX_HEADER_LIST_SIZE.
        record TooLarge() implements Decoded {}

        /// Broke a rule of RFC 9113 section 8.2 or 8.3.
        record Malformed(String why) implements Decoded {}
    }

    private static final Decoded.TooLarge TOO_LARGE = new Decoded.TooLarge();

    private final DefaultHttp2HeadersDecoder decoder;
    private final DefaultHttp2HeadersEncoder encoder;

    /// @param maxListSize MAX_HEADER_LIST_SIZE that we announce, bytes
    public HeaderBlocks(int maxListSize) {
        decoder = new DefaultHttp2HeadersDecoder(true, true, maxListSize);
        // Values that differ per stream would push the constant ones out of the table.
        encoder = new DefaultHttp2HeadersEncoder(HeaderBlocks::isUnique, true);
    }

    private static boolean isUnique(CharSequence name, CharSequence value) {
        return AsciiString.contentEquals(name, "traceparent")
                || AsciiString.contentEquals(name, "forwarded");
    }

    public Decoded decode(int streamId, ByteBuf block) throws ConnectionError {
        try {
            return new Decoded.Fields(decoder.decodeHeaders(streamId, block));
        } catch (Http2Exception.HeaderListSizeException large) {
            return TOO_LARGE;
        } catch (Http2Exception.StreamException malformed) {
            return new Decoded.Malformed(String.valueOf(malformed.getMessage()));
        } catch (Http2Exception broken) {
            throw new ConnectionError(
                    ErrorCode.COMPRESSION_ERROR, String.valueOf(broken.getMessage()));
        }
    }

    public void encode(int streamId, Http2Headers headers, ByteBuf out) {
        try {
            encoder.encodeHeaders(streamId, headers, out);
        } catch (Http2Exception impossible) {
            throw new IllegalStateException("headers of our own do not encode", impossible);
        }
    }

    /// The peer's HEADER_TABLE_SIZE. More than the default is never used: memory for nothing.
    public void peerTableSize(long size) {
        try {
            encoder.maxHeaderTableSize(Math.min(size, Setting.DEFAULT_HEADER_TABLE));
        } catch (Http2Exception impossible) {
            throw new IllegalStateException("table size out of range: " + size, impossible);
        }
    }

    /// Returns the encoder's buffer.
    public void close() {
        encoder.close();
    }
}
