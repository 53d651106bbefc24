package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.ConnectionError;
import io.ztunnel.hbone.h2.ErrorCode;
import io.ztunnel.hbone.h2.Setting;

/// What the peer asked of us in its SETTINGS (RFC 9113 section 6.5.2).
final class PeerSettings {
    private static final Stream[] NO_STREAMS = {};

    private final TunnelConnection tunnel;
    private final boolean server;
    private int initialWindow = Setting.DEFAULT_WINDOW;
    private int maxFrame = Setting.DEFAULT_MAX_FRAME;

    PeerSettings(TunnelConnection tunnel, boolean server) {
        this.tunnel = tunnel;
        this.server = server;
    }

    /// Bytes that a new stream may send at first.
    int initialWindow() {
        return initialWindow;
    }

    /// Largest payload of a frame.
    int maxFrame() {
        return maxFrame;
    }

    void set(int id, long value) throws ConnectionError {
        switch (id) {
            case Setting.HEADER_TABLE_SIZE -> tunnel.headerBlocks.peerTableSize(value);
            case Setting.ENABLE_PUSH -> {
                if (value > (server ? 1 : 0)) {
                    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH " + value);
                }
            }
            case Setting.MAX_CONCURRENT_STREAMS -> tunnel.onPeerMaxStreams(value);
            case Setting.INITIAL_WINDOW_SIZE -> {
                if (value > Integer.MAX_VALUE) {
                    throw new ConnectionError(
                            ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE " + value);
                }
                resizeWindows((int) value);
            }
            case Setting.MAX_FRAME_SIZE -> {
                if (value < Setting.DEFAULT_MAX_FRAME || value > Setting.LARGEST_MAX_FRAME) {
                    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE " + value);
                }
                maxFrame = (int) value;
                tunnel.outbox.peerMaxFrame(maxFrame);
            }
            default -> {
                // MAX_HEADER_LIST_SIZE is advice that our short lists never need; the rest is
                // unknown and ignored.
            }
        }
    }

    /// Windows of open streams move with the setting, below zero if need be (RFC 9113 section
    /// 6.9.2).
    private void resizeWindows(int size) throws ConnectionError {
        long delta = (long) size - initialWindow;
        initialWindow = size;
        for (Stream stream : tunnel.streams.toArray(NO_STREAMS)) {
            long window = stream.sendWindow + delta;
            if (window > Integer.MAX_VALUE) {
                throw new ConnectionError(
                        ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE overflows a window");
            }
            stream.sendWindow = (int) window;
            tunnel.outbox.activate(stream);
        }
    }
}
