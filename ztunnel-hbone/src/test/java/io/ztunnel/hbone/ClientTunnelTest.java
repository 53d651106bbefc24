package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.charset.StandardCharsets;

@ExtendWith(LeakCheck.class)
class ClientTunnelTest {

    private final ClientTunnel[] tunnel = new ClientTunnel[1];
    private RawPeer peer;

    @BeforeEach
    void connect() {
        peer = RawPeer.ofClient(TunnelSettings.defaults(), tunnel);
    }

    @AfterEach
    void close() {
        peer.close();
    }

    private Opened open() {
        Opened opened = new Opened();
        tunnel[0].open(ConnectRequest.to("10.0.0.1:80"), opened);
        return opened;
    }

    @Test
    void settingsGoOutInTheRecordedOrder() {
        EmbeddedChannel channel = new EmbeddedChannel();
        TunnelClient.install(channel, TunnelSettings.defaults());
        FrameLog log = new FrameLog(true);
        assertThat(log.read(Wire.drain(channel)))
                .containsExactly("SETTINGS 2=0 4=4194304 5=1048576 6=16384", "WINDOW 0 16711681");
        log.close();
        channel.finishAndReleaseAll();
    }

    @Test
    void statusesOtherThan200AreFailuresAndTheStreamIsReset() {
        int id = 1;
        for (int code : new int[] {201, 204, 301, 400, 401, 403, 404, 503}) {
            Opened opened = open();
            peer.status(id, code, true);
            assertThat(opened.failure).isEqualTo(new OpenFailure.Status(code));
            assertThat(peer.frames())
                    .containsExactly("HEADERS " + id + " CONNECT", "RST " + id + " 8");
            id += 2;
        }
        assertThat(new OpenFailure.Status(401).text()).isEqualTo("http status: 401 Unauthorized");
        assertThat(new OpenFailure.Status(204).text()).isEqualTo("http status: 204 No Content");
    }

    @Test
    void row196_any2xxButTwoHundredIsAFailure() {
        Opened opened = open();
        peer.status(1, 206, false);
        assertThat(opened.failure.text()).isEqualTo("http status: 206 Partial Content");
    }

    @Test
    void row197_endStreamOnThe200EndsOneDirectionOnly() {
        Opened opened = open();
        peer.status(1, 200, true).frames();
        assertThat(opened.received.events).containsExactly("end");
        opened.stream.write(Unpooled.copiedBuffer("abc", StandardCharsets.US_ASCII));
        opened.stream.finish();
        assertThat(peer.frames()).containsExactly("DATA 1 3 END");
        assertThat(tunnel[0].openStreams()).isZero();
    }

    @Test
    void row191_aConnectThatIsNeverAnsweredTimesOut() {
        Opened opened = open();
        peer.frames();
        peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8).pass(10_000);
        peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8).pass(9_999);
        assertThat(opened.failure).isNull();
        peer.pass(1);
        assertThat(opened.failure).isInstanceOf(OpenFailure.TimedOut.class);
        assertThat(peer.frames()).contains("RST 1 8");
        peer.status(1, 200, false);
        assertThat(peer.isOpen()).isTrue();
    }

    @Test
    void aResetInsteadOfAnAnswerIsToldWithItsCode() {
        Opened refused = open();
        peer.frame(3, 0, 1, 0, 0, 0, 7);
        assertThat(refused.failure.text())
                .isEqualTo(
                        "h2 failed: stream error received: refused stream before processing any"
                                + " application logic");
        assertThat(refused.failure.retryable()).isTrue();
        Opened broken = open();
        peer.frame(3, 0, 3, 0, 0, 0, 2);
        assertThat(broken.failure.text())
                .isEqualTo(
                        "h2 failed: stream error received: unexpected internal error encountered");
        assertThat(broken.failure.retryable()).isFalse();
    }

    @Test
    void goAwayFailsWhatItLeavesOutAndKeepsTheRest() {
        Opened first = open();
        peer.status(1, 200, false);
        Opened second = open();
        peer.frame(7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0);
        assertThat(second.failure.text())
                .isEqualTo("h2 failed: connection error received: not a result of an error");
        assertThat(second.failure.retryable()).isTrue();
        assertThat(tunnel[0].isUsable()).isFalse();
        assertThat(open().failure.retryable()).isTrue();
        peer.data(1, 3, true);
        assertThat(first.received.events).contains("data", "end");
        first.stream.finish();
        assertThat(peer.isOpen()).isFalse();
    }

    @Test
    void theFirstOfTwoGoAwaysAlreadyForbidsNewStreams() {
        Opened first = open();
        peer.frame(7, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0);
        assertThat(tunnel[0].isUsable()).isFalse();
        assertThat(first.failure).isNull();
        peer.status(1, 200, false);
        assertThat(first.stream).isNotNull();
    }

    /// Upstream counts a request that races its GOAWAY among those it has seen, and never answers.
    @Test
    void aRequestStillUnansweredASecondAfterGoAwayIsGivenUpAndMayBeTriedElsewhere() {
        Opened answered = open();
        Opened unanswered = open();
        peer.status(1, 200, false);
        peer.frame(7, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0);
        peer.pass(500).frame(7, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0).pass(499);
        assertThat(unanswered.failure).isNull();
        peer.frames();
        peer.pass(1);
        assertThat(unanswered.failure.retryable()).isTrue();
        assertThat(peer.frames()).containsExactly("RST 3 8");
        assertThat(answered.received.failure).isNull();
        assertThat(peer.isOpen()).isTrue();
    }

    @Test
    void aRequestUnansweredWhenATunnelEndsAfterGoAwayMayBeTriedElsewhere() {
        Opened opened = open();
        peer.frame(7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0);
        peer.channel.close();
        assertThat(opened.failure.retryable()).isTrue();
    }

    @Test
    void s6_8_aGoAwayMustNotTakeBackWhatAnEarlierOneLeftOut() {
        open();
        open();
        peer.frames();
        peer.frame(7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0).frame(7, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0);
        assertThat(peer.frames()).containsExactly("GOAWAY 0 1");
    }

    @Test
    void aConnectionThatClosesInsteadOfAnswering() {
        Opened opened = open();
        peer.channel.close();
        assertThat(opened.failure.text()).isEqualTo("h2 failed: connection reset");
        // Nothing came back at all, so no byte of the connection has flowed.
        assertThat(opened.failure.retryable()).isTrue();
    }

    @Test
    void aPeerThatDoesNotSpeakHttp2() {
        EmbeddedChannel channel = new EmbeddedChannel();
        Opened opened = new Opened();
        TunnelClient.install(channel, TunnelSettings.defaults())
                .open(ConnectRequest.to("x:1"), opened);
        channel.writeInbound(Unpooled.copiedBuffer("HTTP/1.1 400 Bad", StandardCharsets.US_ASCII));
        assertThat(opened.failure).isInstanceOf(OpenFailure.HandshakeFailed.class);
        assertThat(opened.failure.text()).startsWith("http2 handshake failed: ");
        channel.finishAndReleaseAll();
    }

    @Test
    void s8_1_informationalAnswersAreSkipped() {
        Opened opened = open();
        peer.status(1, 103, false).status(1, 200, false);
        assertThat(opened.stream).isNotNull();
    }

    @Test
    void s8_1_dataBeforeTheAnswer() {
        Opened opened = open();
        peer.data(1, 3, false);
        assertThat(opened.failure).isEqualTo(new OpenFailure.Reset(1, false));
    }

    @Test
    void s8_3_2_anAnswerWithoutStatus() {
        Opened opened = open();
        peer.headers(1, new DefaultHttp2Headers(false).add("x", "y"), false);
        assertThat(opened.failure).isEqualTo(new OpenFailure.Reset(1, false));
    }

    @Test
    void anAnswerLargerThanAnnounced() {
        Opened opened = open();
        peer.headers(
                1,
                new DefaultHttp2Headers(false).status("200").add("x", "y".repeat(17_000)),
                false);
        assertThat(opened.failure).isEqualTo(new OpenFailure.Reset(1, false));
        assertThat(peer.isOpen()).isTrue();
    }

    @Test
    void s5_1_headersOnAnIdleStream() {
        peer.status(1, 200, false);
        assertThat(peer.frames()).contains("GOAWAY 0 1");
    }

    @Test
    void s6_5_2_aServerMustNotAllowPush() {
        peer.send(out -> FrameWriter.settings(out, 2, 1));
        assertThat(peer.frames()).contains("GOAWAY 0 1");
    }

    @Test
    void thePeersStreamLimitIsHonoured() {
        peer.send(out -> FrameWriter.settings(out, 3, 1)).frames();
        open();
        Opened second = open();
        assertThat(second.failure.retryable()).isTrue();
        assertThat(peer.frames()).containsExactly("HEADERS 1 CONNECT");
    }

    @Test
    void pingsGoOutOnlyWhenQuietAndSilenceEndsTheTunnel() {
        Opened opened = open();
        peer.status(1, 200, false).frames();
        peer.pass(6_000).data(1, 3, false).pass(6_000);
        assertThat(peer.frames()).isEmpty();
        peer.pass(4_000);
        assertThat(peer.frames()).containsExactly("PING");
        peer.pass(15_000).data(1, 3, false).pass(6_000);
        assertThat(peer.isOpen()).isTrue();
        peer.pass(5_000).frames();
        peer.pass(20_000);
        assertThat(peer.isOpen()).isFalse();
        assertThat(peer.frames()).isEmpty();
        assertThat(opened.received.failure.text()).isEqualTo("ping timeout");
    }

    @Test
    void aStreamOnATunnelThatWasQuietAsksForASignOfLifeBesideItsConnect() {
        open();
        peer.status(1, 200, false).frames();
        peer.pass(999);
        open();
        assertThat(peer.frames()).containsExactly("HEADERS 3 CONNECT");
        peer.pass(1);
        open();
        open();
        assertThat(peer.frames()).containsExactly("HEADERS 5 CONNECT", "PING", "HEADERS 7 CONNECT");
    }

    @Test
    void withoutASignOfLifeTheOpeningFailsWithinSecondsAndMayBeTriedElsewhere() {
        Opened standing = open();
        peer.status(1, 200, false).frames();
        peer.pass(3_000);
        Opened opened = open();
        peer.frames();
        peer.pass(1_999);
        assertThat(opened.failure).isNull();
        peer.pass(1);
        assertThat(opened.failure.retryable()).isTrue();
        assertThat(opened.failure.text()).isEqualTo("h2 failed: peer is silent");
        assertThat(peer.frames()).containsExactly("RST 3 8");
        assertThat(tunnel[0].isUsable()).isFalse();
        // What stands may be waiting behind a slow link, so it has more time.
        peer.pass(17_999);
        assertThat(standing.received.failure).isNull();
        peer.pass(1);
        assertThat(standing.received.failure.text()).isEqualTo("ping timeout");
    }

    @Test
    void anyFrameIsASignOfLifeAndMakesTheTunnelUsableAgain() {
        Opened standing = open();
        peer.status(1, 200, false).frames();
        peer.pass(3_000);
        open();
        peer.pass(2_000);
        assertThat(tunnel[0].isUsable()).isFalse();
        peer.data(1, 10, false);
        assertThat(tunnel[0].isUsable()).isTrue();
        peer.pass(9_999);
        assertThat(standing.received.failure).isNull();
    }

    @Test
    void anOpeningThePeerMayHaveBegunIsNotTriedElsewhereWhenTheTunnelDies() {
        Opened opened = open();
        peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        Opened unheard = open();
        peer.channel.close();
        assertThat(opened.failure.retryable()).isFalse();
        assertThat(unheard.failure.retryable()).isTrue();
    }

    @Test
    void cancellingAnOpeningResetsIt() {
        Opened opened = new Opened();
        Opening opening = tunnel[0].open(ConnectRequest.to("x:1"), opened);
        opening.cancel();
        opening.cancel();
        assertThat(peer.frames()).containsExactly("HEADERS 1 CONNECT", "RST 1 8");
        peer.status(1, 200, false).data(1, 10, true);
        assertThat(peer.frames()).isEmpty();
        assertThat(opened.stream).isNull();
        assertThat(tunnel[0].openStreams()).isZero();
    }

    @Test
    void drainingSaysGoAwayAndWaitsForStreams() {
        open();
        peer.status(1, 200, true).frames();
        tunnel[0].drain();
        assertThat(peer.frames()).containsExactly("GOAWAY 0 0");
        assertThat(open().failure.retryable()).isTrue();
        assertThat(peer.isOpen()).isTrue();
        peer.frame(3, 0, 1, 0, 0, 0, 8);
        assertThat(peer.isOpen()).isFalse();
    }
}
