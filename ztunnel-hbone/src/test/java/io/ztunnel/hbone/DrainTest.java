package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.ArrayList;
import java.util.List;

@ExtendWith(LeakCheck.class)
class DrainTest {

    private static final int[] DRAIN_PING = {0x64, 0x72, 0x61, 0x69, 0x6e, 0x69, 0x6e, 0x67};

    private final Echo echo = new Echo();
    private final List<Tunnel> tunnels = new ArrayList<>();
    private final RawPeer peer =
            RawPeer.ofServer(
                    TunnelSettings.defaults(),
                    new Echo() {
                        @Override
                        public void onConnect(IncomingConnect connect) {
                            tunnels.add(connect.tunnel());
                            switch (String.valueOf(connect.authority())) {
                                case "deny:1" -> connect.refuse(401);
                                default -> echo.onConnect(connect);
                            }
                        }

                        @Override
                        public void onTunnelClosed(Throwable why) {
                            echo.onTunnelClosed(why);
                        }
                    });

    @AfterEach
    void close() {
        peer.close();
    }

    @Test
    void aServerDrainsInTwoStepsAndServesWhatIsOpen() {
        peer.connect(1).frames();
        tunnels.getFirst().drain();
        assertThat(peer.frames()).containsExactly("GOAWAY 2147483647 0", "PING");
        peer.connect(3);
        assertThat(peer.frames()).containsExactly("HEADERS 3 200");
        peer.frame(6, 1, 0, DRAIN_PING).pass(200);
        assertThat(peer.frames()).containsExactly("GOAWAY 3 0");
        peer.connect(5);
        assertThat(peer.frames()).containsExactly("RST 5 7");
        peer.data(1, 3, true).data(3, 0, true);
        assertThat(peer.frames()).contains("DATA 1 3 END", "DATA 3 0 END");
        assertThat(peer.isOpen()).isFalse();
        assertThat(echo.closed).isTrue();
        assertThat(echo.cause).isNull();
    }

    /// A library may answer a PING before it writes the requests that it has taken already.
    @Test
    void aRequestBehindTheAnswerToTheDrainsPingIsServed() {
        peer.connect(1).data(1, 0, true).frames();
        tunnels.getFirst().drain();
        peer.frames();
        peer.frame(6, 1, 0, DRAIN_PING).pass(199);
        peer.connect(3);
        assertThat(peer.frames()).containsExactly("HEADERS 3 200");
        peer.pass(1);
        assertThat(peer.frames()).containsExactly("GOAWAY 3 0");
        peer.data(3, 0, true);
        assertThat(peer.isOpen()).isFalse();
    }

    /// Whoever has just arrived came with a request, and not every peer tries a second time.
    @Test
    void aTunnelWithoutARequestYetServesItsFirstBeforeItDrains() {
        peer.frames();
        peer.tunnel().drain();
        assertThat(peer.frames()).isEmpty();
        peer.connect(1);
        assertThat(peer.frames()).containsExactly("HEADERS 1 200", "GOAWAY 2147483647 0", "PING");
        peer.frame(6, 1, 0, DRAIN_PING).pass(200);
        assertThat(peer.frames()).containsExactly("GOAWAY 1 0");
    }

    @Test
    void aTunnelThatNobodyUsesDrainsAfterASecond() {
        peer.frames();
        peer.tunnel().drain();
        peer.pass(1_000);
        assertThat(peer.frames()).containsExactly("GOAWAY 2147483647 0", "PING");
        peer.frame(6, 1, 0, DRAIN_PING).pass(200);
        assertThat(peer.frames()).containsExactly("GOAWAY 0 0");
        assertThat(peer.isOpen()).isFalse();
    }

    @Test
    void aPeerThatNeverAnswersThePingOfADrainIsNotWaitedForForever() {
        peer.connect(1).frames();
        tunnels.getFirst().drain();
        peer.frames();
        peer.pass(10_000).frame(0xbe, 0, 0).pass(10_000);
        assertThat(peer.frames()).contains("GOAWAY 1 0");
    }

    @Test
    void shutdownTellsEverybodyAndCloses() {
        peer.connect(1).frames();
        Recorder recorder = Recorder.on(echo.streams.getFirst());
        tunnels.getFirst().shutdown();
        assertThat(peer.frames()).containsExactly("GOAWAY 1 0");
        assertThat(peer.isOpen()).isFalse();
        assertThat(recorder.failure).isEqualTo(new StreamFailure.TunnelLost(null));
    }

    @Test
    void aServerSaysGoAwayToASilentPeer() {
        peer.connect(1).frames();
        peer.pass(10_000);
        assertThat(peer.frames()).containsExactly("PING");
        peer.pass(20_000);
        assertThat(peer.frames()).containsExactly("GOAWAY 1 0");
        assertThat(echo.cause).hasMessage("ping timeout");
    }

    @Test
    void vectors04_13_14_15_answersLookAsRecorded() {
        peer.headers(1, request("CONNECT", "deny:1"), false);
        assertThat(peer.frames()).containsExactly("HEADERS 1 401 END", "RST 1 0");
        peer.headers(3, request("CONNECT", "deny:1"), true);
        assertThat(peer.frames()).containsExactly("HEADERS 3 401 END");
        peer.headers(5, request("CONNECT", "x:1"), true);
        assertThat(peer.frames()).containsExactly("HEADERS 5 200", "DATA 5 0 END");
        assertThat(tunnels.getFirst().openStreams()).isZero();
    }

    @Test
    void aRequestAbandonedBeforeItsAnswerIsToldAndMayStillBeAnswered() {
        List<String> told = new ArrayList<>();
        IncomingConnect[] connect = new IncomingConnect[1];
        try (RawPeer other =
                RawPeer.ofServer(
                        TunnelSettings.defaults(),
                        new ConnectHandler() {
                            @Override
                            public void onConnect(IncomingConnect incoming) {
                                connect[0] = incoming;
                                incoming.onAbandoned(() -> told.add("abandoned"));
                            }

                            @Override
                            public void onTunnelClosed(Throwable cause) {}
                        })) {
            other.connect(1).data(1, 100, false).frame(3, 0, 1, 0, 0, 0, 8);
            assertThat(told).containsExactly("abandoned");
            Recorder recorder = Recorder.on(connect[0].accept(null));
            assertThat(other.frames()).isEmpty();
            assertThat(recorder.events).containsExactly("reset");
        }
    }

    private static DefaultHttp2Headers request(String method, String authority) {
        DefaultHttp2Headers headers = new DefaultHttp2Headers(false);
        headers.method(method).authority(authority);
        return headers;
    }
}
