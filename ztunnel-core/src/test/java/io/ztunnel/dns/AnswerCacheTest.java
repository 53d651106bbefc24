package io.ztunnel.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

class AnswerCacheTest {
    private static final long SECOND = 1_000_000_000;

    private final AnswerCache cache = new AnswerCache();

    private static Query query(String name, int flags) {
        byte[] bytes = DnsClient.query(name, 1, flags, -1);
        return ((QueryReader.Read.Understood) QueryReader.read(Unpooled.wrappedBuffer(bytes)))
                .query();
    }

    private static UpstreamAnswer answer(String name, int seconds) {
        byte[] query = DnsClient.query(name, 1);
        byte[] message = Arrays.copyOf(query, query.length + 16);
        message[2] |= (byte) 0x80;
        message[7] = 1;
        byte[] record = {(byte) 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, (byte) seconds, 0, 4, 1, 2, 3, 4};
        System.arraycopy(record, 0, message, query.length, 16);
        return UpstreamAnswer.read(
                message,
                DnsClient.ID,
                Query.canonical(Arrays.copyOfRange(query, 12, query.length)));
    }

    @Test
    void holdsUntilItsTimeIsOver() {
        cache.keep(query("A.example.com", 0), answer("a.example.com", 10), -5 * SECOND);

        assertThat(cache.find(query("a.EXAMPLE.com", 0), 4 * SECOND).age()).isEqualTo(9);
        assertThat(cache.find(query("b.example.com", 0), 0)).isNull();
        assertThat(cache.find(query("a.example.com", Header.CHECKING_DISABLED), 0)).isNull();
        assertThat(cache.find(query("a.example.com", 0), 5 * SECOND)).isNull();
        assertThat(cache.bytes()).isZero();
    }

    @Test
    void whatHoldsForNoTimeIsNotKept() {
        cache.keep(query("a.example.com", 0), answer("a.example.com", 0), 0);
        assertThat(cache.bytes()).isZero();
    }

    @Test
    void staysWithinItsBoundAndKeepsWhatIsAskedFor() {
        for (int i = 0; i < 10_000; i++) {
            String name = "n" + i + ".example.com";
            cache.keep(query(name, 0), answer(name, 60), 0);
            cache.find(query("n0.example.com", 0), 0);
            assertThat(cache.bytes()).isLessThanOrEqualTo(AnswerCache.MOST_BYTES);
        }
        assertThat(cache.find(query("n0.example.com", 0), 0)).isNotNull();
        assertThat(cache.find(query("n5.example.com", 0), 0)).isNull();
        assertThat(cache.find(query("n9999.example.com", 0), 0)).isNotNull();
    }

    @Test
    void ageIsTakenOffWhatIsPassedOn() {
        Query query = query("a.example.com", 0);
        AnswerWriter writer = new AnswerWriter(io.netty.buffer.UnpooledByteBufAllocator.DEFAULT);
        io.netty.buffer.ByteBuf out =
                writer.forwarded(query, answer("a.example.com", 60), 45, AnswerWriter.STREAM);
        try {
            assertThat(DnsClient.decode(io.netty.buffer.ByteBufUtil.getBytes(out)).ttls())
                    .containsExactly(15L);
        } finally {
            out.release();
        }
    }

    @Test
    void theFasterServerIsAskedFirstAndABadOneAgainSomeTime() {
        ServerRanks ranks = new ServerRanks(3);
        assertThat(ranks.order()).containsExactly(0, 1, 2);
        ranks.failed(0);
        ranks.answered(1, 5_000_000);
        ranks.answered(2, 1_000_000);
        assertThat(ranks.order()).containsExactly(2, 1, 0);
        for (int i = 0; i < 1_000; i++) {
            ranks.answered(2, 1_000_000);
        }
        assertThat(ranks.order().getFirst()).isNotEqualTo(2);
    }
}
