package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;

/// A server's tunnel and a peer that is written by hand: what breaks a rule, and what comes of it.
@ExtendWith(LeakCheck.class)
abstract class ServerTunnel {
    static final long PROTOCOL_ERROR = 1;
    static final long FLOW_CONTROL_ERROR = 3;
    static final long STREAM_CLOSED = 5;
    static final long FRAME_SIZE_ERROR = 6;
    static final long REFUSED_STREAM = 7;
    static final long COMPRESSION_ERROR = 9;
    static final long ENHANCE_YOUR_CALM = 11;
    final Echo echo = new Echo();
    RawPeer peer = RawPeer.ofServer(TunnelSettings.defaults(), echo);

    @AfterEach
    void close() {
        peer.close();
    }

    void dies(int last, long code) {
        assertThat(peer.frames()).contains("GOAWAY " + last + " " + code);
        assertThat(peer.isOpen()).isFalse();
        assertThat(echo.closed).isTrue();
    }
}
