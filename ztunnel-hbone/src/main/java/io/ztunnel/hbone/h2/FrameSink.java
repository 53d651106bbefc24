package io.ztunnel.hbone.h2;

import io.netty.buffer.ByteBuf;

/// Receives what [FrameReader] reads, in order, on the reading thread.
///
/// Sizes, stream 0 or not, and the rules about which frame may follow which are checked before;
/// what depends on the state of streams is the sink's to check.
public interface FrameSink {

    /// A DATA frame begins. Flow control counts `length`, padding included (RFC 9113 section
    /// 6.9.1).
    void onDataStart(int streamId, int length, boolean endStream) throws ConnectionError;

    /// Some payload of the DATA frame begun last; ownership passes.
    void onDataChunk(ByteBuf chunk) throws ConnectionError;

    /// Padding of the DATA frame begun last, its length byte included.
    void onDataPadding(int bytes) throws ConnectionError;

    /// The DATA frame begun last is complete.
    void onDataEnd(boolean endStream) throws ConnectionError;

    /// A complete header block. `block` is borrowed for the call.
    void onHeaders(int streamId, ByteBuf block, boolean endStream) throws ConnectionError;

    void onRstStream(int streamId, long code) throws ConnectionError;

    /// One parameter of a SETTINGS frame; `value` is unsigned.
    void onSetting(int id, long value) throws ConnectionError;

    /// All parameters of a SETTINGS frame were given.
    void onSettingsEnd() throws ConnectionError;

    void onSettingsAck() throws ConnectionError;

    void onPing(boolean ack, long opaque) throws ConnectionError;

    void onGoAway(int lastStreamId, long code) throws ConnectionError;

    /// `streamId` 0 means the connection. `increment` may be 0, which is an error of that stream.
    void onWindowUpdate(int streamId, int increment) throws ConnectionError;

    /// PRIORITY or a frame of a type we do not know: has no meaning, but costs us its reading.
    void onIgnored() throws ConnectionError;
}
