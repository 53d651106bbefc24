package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// Peers that keep us busy with nothing (RFC 9113 section 10.5).
class FloodTest extends ServerTunnel {
    // Floods.

    @Test
    void s10_5_continuationFlood() {
        peer.frame(1, 0, 1, 0x82);
        for (int i = 0; i < 65; i++) {
            peer.frame(9, 0, 1);
        }
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_aHeaderBlockWithoutEnd() {
        for (int i = 0; i < 200 && peer.isOpen(); i++) {
            int first = i;
            peer.send(
                    out -> {
                        out.writeMedium(16_384).writeByte(first == 0 ? 1 : 9).writeByte(0);
                        out.writeInt(1).writeZero(16_384);
                    });
        }
        dies(0, ENHANCE_YOUR_CALM);
    }

    private void flood(Runnable frame) {
        for (int i = 0; i < 100_000 && peer.isOpen(); i++) {
            frame.run();
        }
    }

    @Test
    void s10_5_pingFlood() {
        flood(() -> peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_settingsFlood() {
        flood(() -> peer.frame(4, 0, 0));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_emptyDataFlood() {
        peer.connect(1);
        flood(() -> peer.data(1, 0, false));
        dies(1, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_priorityFlood() {
        flood(() -> peer.frame(2, 0, 1, 0, 0, 0, 0, 1));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_windowUpdateFlood() {
        flood(() -> peer.frame(8, 0, 0, 0, 0, 0, 1));
        dies(0, ENHANCE_YOUR_CALM);
    }

    @Test
    void s10_5_rapidReset() {
        int[] abandoned = new int[1];
        peer.close();
        peer =
                RawPeer.ofServer(
                        TunnelSettings.defaults(),
                        new Echo() {
                            @Override
                            public void onConnect(IncomingConnect connect) {
                                connect.onAbandoned(() -> abandoned[0]++);
                            }

                            @Override
                            public void onTunnelClosed(Throwable why) {
                                echo.onTunnelClosed(why);
                            }
                        });
        int[] id = {-1};
        flood(() -> peer.connect(id[0] += 2).frame(3, 0, id[0], 0, 0, 0, 8));
        assertThat(peer.frames()).contains("GOAWAY " + id[0] + " " + ENHANCE_YOUR_CALM);
        assertThat(abandoned[0]).isEqualTo(401);
        assertThat(echo.closed).isTrue();
    }

    @Test
    void s10_5_refusedStreamsFlood() {
        for (int i = 0; i < 200; i++) {
            peer.connect(2 * i + 1);
        }
        int[] id = {399};
        flood(() -> peer.connect(id[0] += 2));
        assertThat(peer.frames()).contains("GOAWAY " + id[0] + " " + ENHANCE_YOUR_CALM);
    }
}
