package io.ztunnel.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.worker.WorkerBudget.Kind;
import io.ztunnel.worker.WorkerBudget.Limits;
import io.ztunnel.worker.WorkerBudget.Share;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

class WorkerBudgetTest {
    private final WorkerBudget budget = new WorkerBudget(new Limits(1000, 100, 1 << 20, 100));

    private static int takeAll(Share share, Kind kind, int each) {
        int taken = 0;
        while (share.take(kind, each)) {
            taken += each;
        }
        return taken;
    }

    @Test
    void aPodThatIsAloneMayHaveItAll() {
        assertThat(takeAll(budget.newShare(), Kind.SOCKETS, 2)).isEqualTo(1000);
    }

    @Test
    void aPodMayBorrowWhatOthersLeaveButNotTheLast() {
        Share noisy = budget.newShare();
        Share quiet = budget.newShare();
        assertThat(takeAll(noisy, Kind.SOCKETS, 1)).isBetween(750, 810);
        assertThat(takeAll(quiet, Kind.SOCKETS, 1)).isGreaterThan(150);
    }

    @Test
    void whoeverIsOverItsPartIsRefusedFirst() {
        Share noisy = budget.newShare();
        Share quiet = budget.newShare();
        takeAll(noisy, Kind.SOCKETS, 1);
        for (int i = 0; i < 100; i++) {
            assertThat(noisy.take(Kind.SOCKETS, 1)).isFalse();
            assertThat(quiet.take(Kind.SOCKETS, 1)).isTrue();
        }
    }

    @Test
    void whatIsGivenBackMayBeTakenAgain() {
        Share share = budget.newShare();
        budget.newShare();
        int taken = takeAll(share, Kind.HANDSHAKES, 1);
        share.give(Kind.HANDSHAKES, taken);
        assertThat(takeAll(share, Kind.HANDSHAKES, 1)).isEqualTo(taken);
        assertThat(budget.sockets()).isZero();
    }

    @Test
    void thePartsGrowWhenAPodLeaves() {
        Share stays = budget.newShare();
        Share leaves = budget.newShare();
        int before = takeAll(stays, Kind.SOCKETS, 1);
        leaves.close();
        assertThat(before + takeAll(stays, Kind.SOCKETS, 1)).isEqualTo(1000);
    }

    @Test
    void kindsDoNotCompete() {
        Share share = budget.newShare();
        takeAll(share, Kind.SOCKETS, 1);
        assertThat(share.take(Kind.HANDSHAKES, 1)).isTrue();
        assertThat(share.take(Kind.BUFFERS, 0)).isTrue();
        share.buffers().hold((1 << 20) + 1);
        assertThat(share.take(Kind.BUFFERS, 0)).isFalse();
    }

    @Test
    void eachWorkerHasItsPartAndAtLeastOne() {
        assertThat(new Limits(1000, 3, 1, 8).dividedBy(4)).isEqualTo(new Limits(250, 1, 1, 2));
    }

    /// However pods take and give, the sum stays below the limit, and nobody within its part is
    /// refused while as much as a fifth is free.
    @Test
    void randomPodsStayWithinTheLimit() {
        RandomGenerator dice = RandomGenerator.of("L64X128MixRandom");
        List<Share> shares = new ArrayList<>();
        int[] has = new int[7];
        for (int i = 0; i < has.length; i++) {
            shares.add(budget.newShare());
        }
        for (int step = 0; step < 100_000; step++) {
            int pod = dice.nextInt(has.length);
            int amount = 1 + dice.nextInt(2);
            if (dice.nextInt(100) < 60) {
                boolean withinPart = (has[pod] + amount) * has.length <= 1000;
                boolean room = budget.sockets() <= 800;
                if (shares.get(pod).take(Kind.SOCKETS, amount)) {
                    has[pod] += amount;
                } else {
                    assertThat(withinPart && room).isFalse();
                }
            } else if (has[pod] >= amount) {
                shares.get(pod).give(Kind.SOCKETS, amount);
                has[pod] -= amount;
            }
            assertThat(budget.sockets()).isBetween(0L, 1000L);
        }
    }
}
