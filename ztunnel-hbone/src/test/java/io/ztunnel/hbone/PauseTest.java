package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A tunnel that is not read, as its own side sees it.
@ExtendWith(LeakCheck.class)
class PauseTest {
    private static final int KIB = 1024;

    private final ReceiveBudget budget = new ReceiveBudget(1024 * KIB);
    private final ReceiveBudget.Share share = budget.newShare();
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final Echo echo = new Echo();
    private TunnelStream stream;
    private RawPeer peer;
    private int reads;
    private boolean consumed;

    @BeforeEach
    void fill() {
        channel.freezeTime();
        channel.pipeline()
                .addLast(
                        new ChannelOutboundHandlerAdapter() {
                            @Override
                            public void read(ChannelHandlerContext ctx) {
                                reads++;
                                ctx.read();
                            }
                        });
        TunnelServer.install(
                channel,
                TunnelSettings.defaults(),
                share,
                new ConnectHandler() {
                    @Override
                    public void onConnect(IncomingConnect request) {
                        stream = request.accept(null);
                    }

                    @Override
                    public void onTunnelClosed(Throwable cause) {
                        echo.onTunnelClosed(cause);
                    }
                });
        peer = RawPeer.on(channel);
        peer.connect(1);
        for (int i = 0; i < 33; i++) {
            peer.data(1, 32 * KIB - 1, false);
        }
        assertThat(channel.config().isAutoRead()).isFalse();
        assertThat(peer.frames()).contains("PING");
        reads = 0;
    }

    @AfterEach
    void close() {
        peer.close();
        if (!consumed) {
            Recorder.on(stream);
        }
        assertThat(budget.held()).isZero();
    }

    private Recorder consume() {
        consumed = true;
        return Recorder.on(stream);
    }

    @Test
    void thePeerHearsFromItOftenEnoughNeverToAsk() {
        assertThat(peer.pass(4_999).frames()).isEmpty();
        assertThat(peer.pass(1).frames()).containsExactly("PING");
        for (int i = 0; i < 20; i++) {
            assertThat(peer.pass(5_000).frames()).contains("PING");
        }
        assertThat(peer.isOpen()).isTrue();
    }

    @Test
    void oneThatIsReadAndNotReadInTurnsSaysNothingTwice() {
        Recorder recorder = consume();
        channel.runPendingTasks();
        assertThat(channel.config().isAutoRead()).isTrue();
        recorder.consumes = false;
        for (int i = 0; i < 33; i++) {
            peer.data(1, 32 * KIB - 1, false);
        }
        assertThat(channel.config().isAutoRead()).isFalse();
        assertThat(peer.pass(4_000).frames()).doesNotContain("PING");
        assertThat(peer.pass(1_000).frames()).contains("PING");
    }

    @Test
    void itIsGlancedAtEverySecondAndNoMoreOnceGlancesHaveBroughtAnEighth() {
        peer.pass(999);
        assertThat(reads).isZero();
        peer.pass(1);
        assertThat(reads).isEqualTo(1);
        for (int i = 0; i < 3; i++) {
            peer.data(1, 32 * KIB - 1, false).pass(1_000);
        }
        assertThat(reads).isEqualTo(4);
        peer.data(1, 32 * KIB - 1, false);
        assertThat(budget.held()).isGreaterThan((1024 + 128) * KIB);
        peer.pass(1_000).pass(1_000);
        assertThat(reads).isEqualTo(4);
    }

    @Test
    void whatAGlanceSeesIsAnswered() {
        peer.pass(1_000).frames();
        assertThat(reads).isEqualTo(1);
        peer.frame(6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(peer.frames()).containsExactly("PING ACK");
        assertThat(channel.config().isAutoRead()).isFalse();
    }

    @Test
    void onceItIsReadAgainSilenceCountsFromThere() {
        peer.pass(60_000);
        consume();
        channel.runPendingTasks();
        assertThat(channel.config().isAutoRead()).isTrue();
        peer.frames();
        assertThat(peer.pass(9_000).frames()).isEmpty();
        assertThat(peer.pass(1_000).frames()).containsExactly("PING");
        assertThat(peer.pass(19_999).isOpen()).isTrue();
        assertThat(peer.pass(1).isOpen()).isFalse();
        assertThat(echo.cause).hasMessage("ping timeout");
    }
}
