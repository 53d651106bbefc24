package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What all tunnels of a loop hold is bounded, and whoever holds little is left alone.
@ExtendWith(LeakCheck.class)
class ReceiveBudgetTest {
    private static final int KIB = 1024;

    private final ReceiveBudget budget = new ReceiveBudget(1024 * KIB);
    private final ReceiveBudget.Share noisy = budget.newShare();
    private final ReceiveBudget.Share quiet = budget.newShare();

    @Test
    void oneOwnerMayUseItAllWhileNobodyElseWantsAny() {
        noisy.hold(512 * KIB);
        assertThat(noisy.isTight()).isFalse();
        noisy.hold(1);
        assertThat(noisy.isTight()).isTrue();
        noisy.hold(512 * KIB);
        assertThat(noisy.isSpent()).isTrue();
        noisy.release(1024 * KIB + 1);
        assertThat(noisy.isTight()).isFalse();
        assertThat(budget.held()).isZero();
    }

    @Test
    void whoeverIsBelowItsPartIsNeverAskedToHoldBack() {
        noisy.hold(10_000 * KIB);
        assertThat(quiet.isTight()).isFalse();
        quiet.hold(256 * KIB);
        assertThat(quiet.isTight()).isFalse();
        assertThat(quiet.isSpent()).isFalse();
        quiet.hold(256 * KIB + 1);
        assertThat(quiet.isSpent()).isTrue();
    }

    @Test
    void windowsShrinkWhenItIsTightAndGrowAgain() {
        ReceiveCredit credit = new ReceiveCredit(16384 * KIB, 16384 * KIB, noisy);
        credit.due();
        for (int i = 0; i < 600; i++) {
            credit.took(KIB);
            credit.arrived(KIB);
        }
        assertThat(noisy.isTight()).isTrue();
        // The sender uses up what it was promised, and is given no more than a little.
        int given = 0;
        for (int i = 0; i < 15_000; i++) {
            credit.took(KIB);
            credit.arrived(KIB);
            credit.consumed(KIB);
            given += credit.due();
        }
        assertThat(given).isZero();
        for (int i = 0; i < 2_000; i++) {
            credit.took(KIB);
            credit.arrived(KIB);
            credit.consumed(KIB);
            given += credit.due();
        }
        assertThat(given).isPositive();
        assertThat(credit.accepts(ReceiveCredit.SHRUNK + 1)).isFalse();

        credit.consumed(600 * KIB);
        assertThat(noisy.isTight()).isFalse();
        credit.due();
        assertThat(credit.accepts(16383 * KIB)).isTrue();
    }

    @Test
    void aTunnelIsNotReadWhenTheBudgetIsSpentAndIsAgainWhenThereIsRoom() {
        Echo server = new Echo();
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        TunnelStream[] stream = new TunnelStream[1];
        TunnelServer.install(
                channel,
                TunnelSettings.defaults(),
                noisy,
                new ConnectHandler() {
                    @Override
                    public void onConnect(IncomingConnect request) {
                        stream[0] = request.accept(null);
                    }

                    @Override
                    public void onTunnelClosed(Throwable cause) {
                        server.onTunnelClosed(cause);
                    }
                });
        RawPeer peer = RawPeer.on(channel);
        peer.connect(1);
        for (int i = 0; i < 40; i++) {
            peer.data(1, 32 * KIB - 1, false);
        }
        assertThat(noisy.isSpent()).isTrue();
        assertThat(channel.config().isAutoRead()).isFalse();
        // Whoever does not listen does not take the peer for dead.
        peer.pass(60_000);
        assertThat(peer.isOpen()).isTrue();

        Recorder.on(stream[0]);
        channel.runPendingTasks();
        assertThat(noisy.isSpent()).isFalse();
        assertThat(channel.config().isAutoRead()).isTrue();
        peer.close();
        assertThat(budget.held()).isZero();
    }
}
